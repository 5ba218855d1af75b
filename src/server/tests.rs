//! A worker that dies is replaced, and the background work does not notice.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use actix_rt::Arbiter;
use actix_web::{HttpResponse, rt::System, web};
use tokio::sync::oneshot;

use super::{
    Server, StopStep,
    program::{Program, Worker},
    serve_program,
};
use crate::{
    delivery::message,
    settings::{Flags, Settings},
    store::{self, Database, LocalDatabase, Missing, OnNetwork, tokens::Secret, transfer::world_file::WorldFile},
    survey::access::Role,
};

const WORKERS: usize = 2;

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "never happened: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A gateway that accepts everything and counts it.
fn gateway() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("an address");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let accepted = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&accepted);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
            let mut length = 0;
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a length");
                }
                line.clear();
            }
            if reader.read_exact(&mut vec![0; length]).is_ok() {
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            }
        }
    });
    (url, accepted)
}

/// One call on a connection of its own; None where the worker died meanwhile.
fn call(address: &str, token: &str, line: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let length = body.len();
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then_some(answer)
}

const SEND: &str = r#"{"clientId":{"type":"internalClientId","id":1},"qualityFormId":1}"#;

fn send(address: &str, token: &str) -> bool {
    let answer = call(address, token, "POST /api/v1/quality/send", SEND);
    answer.is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// Adds a route whose handler ends the worker that runs it, and one that only panics; counts the workers that were made.
fn with_deadly_routes(program: Program, made: Arc<AtomicUsize>) -> Program {
    let inner = Arc::clone(&program.worker);
    let worker = move || {
        made.fetch_add(1, Ordering::SeqCst);
        let Worker { resolver, routes } = inner();
        let routes = Box::new(|config: &mut web::ServiceConfig| {
            config.route("/die", web::to(async || Arbiter::current().stop().to_string()));
            config.route("/panic", web::to(async || -> HttpResponse { panic!("asked for by a test") }));
            routes(config);
        });
        Worker { resolver, routes }
    };
    Program { worker: Arc::new(worker), ..program }
}

#[test]
fn deliveries_and_retention_survive_workers_that_die() {
    let (url, accepted) = gateway();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("surveyd.db");
    let world = format!(
        r#"{{"settings":{{"surveysViaExternalApi":true}},
            "channels":[{{"id":1,"name":"Web widget","type":"WEB","deliveryUrl":"{url}"}}],
            "clients":[{{"id":1}}],
            "threads":[{{"id":1,"clientId":1,"channel":1,"status":"CLOSED",
                         "startTime":"2026-03-01T10:00:00Z","stateChangeTime":"2026-03-01T10:15:00Z"}}],
            "forms":[{{"id":1,"name":"Service quality","channels":[1]}}]}}"#
    );
    let mut local = LocalDatabase::open(&path, Missing::Create, OnNetwork::Refuse).expect("a database");
    local.apply(&WorldFile::parse(&world).expect("a world"), &|| {}).expect("it is applied");
    let mut token = |name: &str, role| {
        let mut secret = String::new();
        let show = |shown: &Secret| {
            shown.reveal().clone_into(&mut secret);
            Ok(())
        };
        local.create_token(name, role, None, show).expect("a token");
        secret
    };
    let (crm, ops) = (token("crm", Role::Integrator), token("ops", Role::Admin));
    let flags = Flags { listen: Some(([127, 0, 0, 1], 0).into()), database: Some(path.clone()), config: None };
    let mut settings = Settings::for_fake(flags).expect("settings");
    settings.retention.sends_days = 1;
    let database = Arc::new(
        Database::open(&path, OnNetwork::Refuse, settings.limits.queue, message::survey_sent).expect("it opens"),
    );
    let (of_server, made) = (Arc::clone(&database), Arc::<AtomicUsize>::default());
    let (counted, (ready, address)) = (Arc::clone(&made), mpsc::channel());
    let (stop, stopped) = oneshot::channel::<()>();
    let server = thread::spawn(move || {
        System::new().block_on(async move {
            let server = Server::build(&settings, WORKERS, Server::check_threads(WORKERS)?, |background| {
                let program = serve_program::program(of_server, &settings, background, Duration::from_millis(20));
                Ok(with_deadly_routes(program, counted))
            })?;
            let stopped = async { _ = stopped.await };
            server.run_until(&StopStep::default(), |server| Ok(ready.send(server.url())?), stopped).await
        })
    });
    let address = address.recv().expect("a server").replace("http://", "");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    send(&address, &crm);
                }
            });
        }
        eventually("each worker is replaced twice", || {
            call(&address, &crm, "GET /panic", "");
            call(&address, &crm, "GET /die", "");
            made.load(Ordering::SeqCst) >= 3 * WORKERS
        });
        is_over.store(true, Ordering::Relaxed);
    });
    let before = accepted.load(Ordering::SeqCst);
    eventually("a send is answered", || send(&address, &crm));
    eventually("it is delivered", || accepted.load(Ordering::SeqCst) > before);
    let list = |query: &str| {
        let answer = call(&address, &ops, &format!("GET /admin/{query}"), "");
        answer.and_then(|answer| Some(answer.rsplit_once("\r\n\r\n")?.1.to_owned()))
    };
    eventually("nothing is pending", || list("deliveries?state=pending").as_deref() == Some("[]"));
    assert_ne!(list("sends").as_deref(), Some("[]"));
    // Two days later the sends are too old.
    database.clock().forward_to(store::now().plus(2 * 24 * 60 * 60 * 1000).expect("a time"));
    eventually("old sends are deleted", || list("sends").as_deref() == Some("[]"));
    stop.send(()).expect("the server runs");
    server.join().expect("it does not panic").expect("it ends well");
}

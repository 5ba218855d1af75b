//! The programs that are compared, each in its own process: surveyd, a handler that returns a constant, and the usual
//! design. The last two are this program, started with [`SERVE_AS`].

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::Server as ActixServer,
    http::{StatusCode, header::AUTHORIZATION},
    rt::System,
    web::{self, Bytes, Data, ServiceConfig},
};
use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// The flag that makes this program run as one of the servers.
const SERVE_AS: &str = "--serve-as";

/// A running server; it is stopped when this is dropped.
pub struct RunningServer {
    pub address: SocketAddr,
    process: Child,
}

impl RunningServer {
    fn start(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a program that starts");
        let mut ready = String::new();
        let stdout = process.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut ready).expect("a ready line");
        let url = ready.trim().strip_prefix("ready url=").and_then(|url| url.split_once("://"));
        let address = url.and_then(|(_, address)| address.parse().ok());
        Self { address: address.unwrap_or_else(|| panic!("no ready line: {ready:?}")), process }
    }

    /// Logs no requests, as the other servers.
    pub fn surveyd(database: &Path) -> Self {
        Self::start(Self::serve(database))
    }

    /// As it is without settings: each request leaves a line in the log.
    pub fn surveyd_with_request_log(database: &Path) -> Self {
        let mut command = Self::serve(database);
        command.env("SURVEYD__LOG_REQUESTS", "true");
        Self::start(command)
    }

    /// With HTTPS. The files are the certificate and its key.
    pub fn surveyd_with_tls(database: &Path, [certificate, key]: &[PathBuf; 2]) -> Self {
        let mut command = Self::serve(database);
        command.env("SURVEYD__TLS__CERT", certificate).env("SURVEYD__TLS__KEY", key);
        Self::start(command)
    }

    fn serve(database: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_surveyd"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--database"]).arg(database);
        // Allows deliveries to a gateway on this machine.
        command.env("SURVEYD__DELIVERY__ALLOW", "127.0.0.0/8");
        command.env("SURVEYD__LOG_REQUESTS", "false");
        command
    }

    pub fn fake() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_surveyd"));
        command.args(["fake", "--listen", "127.0.0.1:0"]);
        Self::start(command)
    }

    /// Milliseconds from the start of a server to its ready line, and to its first answer with any status.
    pub fn start_times(start: impl FnOnce() -> Self) -> [f64; 2] {
        let began = Instant::now();
        let server = start();
        let ready = began.elapsed().as_secs_f64() * 1000.0;
        let mut stream = TcpStream::connect(server.address).expect("a server that listens");
        let request = b"POST /api/v1/quality/send HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer test-crm\r\nContent-Length: 2\r\n\r\n{}";
        stream.write_all(request).expect("a connection");
        assert_ne!(stream.read(&mut [0; 64]).expect("an answer"), 0);
        [ready, began.elapsed().as_secs_f64() * 1000.0]
    }

    pub fn constant() -> Self {
        Self::this_program("constant", Path::new(""))
    }

    pub fn usual(database: &Path) -> Self {
        Self::this_program("usual", database)
    }

    /// A gateway that accepts every delivery.
    pub fn gateway() -> Self {
        Self::this_program("gateway", Path::new(""))
    }

    fn this_program(role: &str, database: &Path) -> Self {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.args([SERVE_AS, role]).arg(database);
        Self::start(command)
    }

    /// Resident memory, in MiB.
    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib / 1024.0
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // SIGTERM and not SIGKILL, so that a fake removes its database.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// A database in which each client has a closed thread and form 1 is enabled, with a token that may send.
pub struct Database {
    folder: TempDir,
    pub token: String,
}

impl Database {
    pub fn new(clients: u64) -> Self {
        // In the build folder and not in /tmp, which may be in memory, where a sync costs nothing.
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let path = folder.path().join("bench.db");
        let surveyd = |arguments: &[&str]| {
            let output = Command::new(env!("CARGO_BIN_EXE_surveyd"))
                .args(arguments)
                .arg("--database")
                .arg(&path)
                .stderr(Stdio::inherit())
                .output();
            let output = output.expect("a program that starts");
            assert!(output.status.success(), "surveyd {arguments:?} failed");
            String::from_utf8(output.stdout).expect("text").trim().to_owned()
        };
        let world = folder.path().join("world.json");
        fs::write(&world, "{}").expect("a world file");
        surveyd(&["apply", world.to_str().expect("a path that is text")]);
        let token = surveyd(&["token", "create", "--name", "bench", "--role", "integrator"]);
        fill(&path, clients);
        Self { folder, token }
    }

    /// Executes statements. No server may run on the database.
    pub fn execute(&self, sql: &str) {
        Connection::open(self.path())
            .expect("a database")
            .execute_batch(sql)
            .expect("the schema that the benchmark expects");
    }

    /// The number of pending deliveries. A server may run on the database.
    pub fn pending(&self) -> i64 {
        let sql = "select count(*) from delivery where state = 'pending'";
        Connection::open(self.path()).expect("a database").query_row(sql, [], |row| row.get(0)).expect("a count")
    }

    /// The number of accepted deliveries, and the median and the 99th percentile of the time from send to delivery, in
    /// ms.
    pub fn waits_ms(&self) -> [i64; 3] {
        let sql = "with waits as (select tried_at - sent_at as ms from delivery join send using (sending_id) where state = 'delivered'),
                        ranked as (select ms, ntile(100) over (order by ms) as hundredth from waits)
                   select count(*), max(ms) filter (where hundredth <= 50), max(ms) filter (where hundredth <= 99) from ranked";
        let row = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?]);
        Connection::open(self.path()).expect("a database").query_row(sql, [], row).expect("waits")
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("bench.db")
    }
}

/// Inserts into the tables directly: ten million rows through a world file would take longer than the measurement.
fn fill(path: &Path, clients: u64) {
    let connection = Connection::open(path).expect("a database");
    connection
        .execute_batch(&format!(
            "begin;
             update settings set surveys_via_external_api = 1;
             insert into channel (id, name, type) values (1, 'Web widget', 'WEB');
             insert into form (id, name) values (1, 'Service quality');
             insert into form_channel values (1, 1);
             with recursive n (i) as (select 1 union all select i + 1 from n where i < {clients})
             insert into client (id, external_id) select i, 'crm-' || i from n;
             insert into thread (id, client_id, channel_id, status, start_time, state_change_time)
             select id, id, 1, 'CLOSED', 1772359200000, 1772360100000 from client;
             commit;"
        ))
        .expect("the schema that the benchmark expects");
}

/// Runs as one of the servers, and then exits, if this process was started with [`SERVE_AS`].
pub fn run_if_requested() {
    let arguments: Vec<_> = env::args().collect();
    let Some(position) = arguments.iter().position(|argument| argument == SERVE_AS) else { return };
    let database = PathBuf::from(&arguments[position + 2]);
    let role = arguments[position + 1].clone();
    let served = System::new().block_on(async move {
        let (server, address) = match role.as_str() {
            "constant" => constant(),
            "gateway" => gateway(),
            _ => usual(&database),
        };
        println!("ready url=http://{address}");
        server.await
    });
    served.expect("a server");
    std::process::exit(0);
}

/// The upper bound: reads the body, and returns the documented answer.
fn constant() -> (ActixServer, SocketAddr) {
    serve(|routes| {
        let handler = |body: Bytes| async move {
            let is_refused = body.ends_with(br#""qualityFormId":9}"#);
            answer(is_refused.then(|| "Client has open thread".to_owned()))
        };
        routes.route("/api/v1/quality/send", web::post().to(handler));
    })
}

/// Answers 200 to every request.
fn gateway() -> (ActixServer, SocketAddr) {
    serve(|routes| {
        routes.default_service(web::to(|_: Bytes| async { HttpResponse::Ok().finish() }));
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendRequest {
    client_id: ClientId,
    quality_form_id: i64,
}

#[derive(Deserialize)]
struct ClientId {
    id: i64,
}

/// The usual design: a pool of ten connections, `web::block`, one transaction per request.
fn usual(database: &Path) -> (ActixServer, SocketAddr) {
    let manager = SqliteConnectionManager::file(database).with_init(|connection| {
        connection.execute_batch("pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 60000")
    });
    let pool = Pool::builder().max_size(10).build(manager).expect("a pool");
    serve(move |routes| {
        let handler = |request: HttpRequest, pool: Data<Pool<SqliteConnectionManager>>, body: Bytes| async move {
            let header = request.headers().get(AUTHORIZATION).expect("a token").to_str().expect("text");
            let token = header.trim_start_matches("Bearer ").to_owned();
            let send: SendRequest = serde_json::from_slice(&body).expect("a send");
            let refusal = web::block(move || {
                let connection = pool.get().expect("a connection");
                let execute = |sql| connection.prepare_cached(sql).expect("sql").execute([]).expect("a transaction");
                execute("begin immediate");
                let refusal = one_request(&connection, &token, &send).expect("a database");
                execute("commit");
                refusal
            });
            answer(refusal.await.expect("a thread"))
        };
        routes.app_data(Data::new(pool.clone())).route("/api/v1/quality/send", web::post().to(handler));
    })
}

/// Sends until `end` without a server, `commit` sends to a transaction. Returns how many.
pub fn send_without_server(database: &Database, clients: u64, commit: u64, end: Instant) -> u64 {
    let connection = Connection::open(database.path()).expect("a database");
    let execute = |sql| connection.execute_batch(sql).expect("a transaction");
    execute("pragma journal_mode = wal; pragma synchronous = full");
    let mut sends = 0;
    while Instant::now() < end {
        execute("begin immediate");
        for _ in 0..commit {
            sends += 1;
            let client = i64::try_from(1 + sends % clients).expect("a small number");
            let send = SendRequest { client_id: ClientId { id: client }, quality_form_id: 1 };
            assert_eq!(one_request(&connection, &database.token, &send), Ok(None));
        }
        execute("commit");
    }
    sends
}

/// Returns why the send is refused; `None` if it was recorded.
fn one_request(connection: &Connection, token: &str, send: &SendRequest) -> rusqlite::Result<Option<String>> {
    let number = |sql, parameters: &[i64]| {
        let mut statement = connection.prepare_cached(sql)?;
        statement.query_row(rusqlite::params_from_iter(parameters), |row| row.get::<_, i64>(0)).optional()
    };
    let digest = Sha256::digest(token.as_bytes());
    let name: String = connection
        .prepare_cached("select name from token where digest = ?1 and revoked_at is null")?
        .query_row([&digest[..]], |row| row.get(0))?;
    if number("select 1 from settings where surveys_via_external_api = 1", &[])?.is_none() {
        return Ok(Some("Sending surveys via external api is disabled".to_owned()));
    }
    let client = send.client_id.id;
    if number("select 1 from thread where client_id = ?1 and closing_time is null", &[client])?.is_some() {
        return Ok(Some("Client has open thread".to_owned()));
    }
    let last =
        "select id from thread where client_id = ?1 and closing_time is not null order by closing_time desc limit 1";
    let Some(thread) = number(last, &[client])? else { return Ok(Some("Client has no closed thread".to_owned())) };
    let enabled = "select 1 from thread t join form_channel f using (channel_id) where t.id = ?1 and f.form_id = ?2";
    let form = send.quality_form_id;
    if number(enabled, &[thread, form])?.is_none() {
        return Ok(Some(format!("Cannot send form {form} to thread {thread}")));
    }
    connection
        .prepare_cached("insert into send (form_id, thread_id, client_id, sent_at, token) values (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![form, thread, client, 1_772_360_100_000_i64, name])?;
    Ok(None)
}

fn serve(configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> (ActixServer, SocketAddr) {
    let server = HttpServer::new(move || App::new().configure(configure.clone()));
    let server = server.keep_alive(Duration::from_mins(1)).bind(("127.0.0.1", 0)).expect("a port");
    let address = server.addrs()[0];
    (server.run(), address)
}

fn answer(refusal: Option<String>) -> HttpResponse {
    let status = if refusal.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let mut response = HttpResponse::build(status);
    for value in ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"] {
        response.append_header(("Vary", value));
    }
    match refusal {
        None => response.finish(),
        Some(message) => response.content_type("application/json").body(format!(
            "{{\r\n  \"method\" : \"POST\",\r\n  \"uri\" : \"/api/v1/quality/send\",\r\n  \"code\" : null,\r\n  \"message\" : \"{message}\"\r\n}}"
        )),
    }
}

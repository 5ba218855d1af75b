//! The program under test: a server, its database and its command line.

use std::{
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::{
    call::{Action, Answer, Names, Thread},
    client::Client,
    model::{Form, Model, Token, Validity},
};

/// A server; killed when dropped.
pub struct Server {
    folder: TempDir,
    process: Child,
    address: SocketAddr,
    histories: u16,
}

/// A token that clients use.
#[derive(Clone, Debug)]
pub struct Holder {
    pub token: i64,
    pub role: String,
    pub secret: String,
}

/// A history's own rows and tokens, and the model of them.
pub struct Scene {
    pub names: Names,
    pub model: Model,
    /// The first is the one that nobody changes.
    pub holders: Vec<Holder>,
    /// Clients call from addresses of the history: an address with too many bad tokens is throttled.
    number: u16,
}

fn surveyd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_surveyd"));
    let settings = std::env::vars_os().map(|(name, _)| name);
    settings.filter(|name| name.to_string_lossy().starts_with("SURVEYD")).for_each(|name| _ = command.env_remove(name));
    command
}

impl Server {
    /// Starts a server on a new database.
    pub fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let mut command = surveyd();
        command.current_dir(folder.path()).args(["serve", "--listen", "127.0.0.1:0"]);
        // Its log would be as long as the run: only its errors are of interest.
        command.env("SURVEYD__LOG", "error").env("SURVEYD__LOG_REQUESTS", "false").stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let address = ready.trim_end().rsplit('/').next().unwrap().parse().unwrap();
        Self { folder, process, address, histories: 0 }
    }

    /// Makes the rows and tokens of the next history, in one transaction of another program.
    pub fn scene(&mut self) -> Scene {
        self.histories += 1;
        let names = Names { base: i64::from(self.histories) * 100 };
        let Names { base } = names;
        let mut connection = rusqlite::Connection::open(self.folder.path().join("surveyd.db")).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        transaction
            .execute_batch(
                "update settings set surveys_via_external_api = 1;
                 delete from form_channel; delete from form; delete from thread; delete from client;
                 insert or ignore into channel (id, name, type) values (1, 'Web', 'WEB'), (2, 'App', 'MOBILE');",
            )
            .unwrap();
        let mut model = Model { flag: true, ..Model::default() };
        for client in base + 1..=base + 3 {
            let external_id = names.external_id(client);
            transaction
                .execute("insert into client (id, external_id) values (?1, ?2)", (client, &external_id))
                .unwrap();
            model.clients.insert(client, external_id);
        }
        for (id, client) in [(base + 1, base + 1), (base + 2, base + 2)] {
            let closed = "insert into thread (id, client_id, channel_id, status, start_time, state_change_time)
                          values (?1, ?2, 1, 'CLOSED', 1772323200000, 1772326800000)";
            transaction.execute(closed, (id, client)).unwrap();
            model.threads.insert(id, Thread { client, channel: 1, open: false, hour: 1 });
        }
        for form in [base + 1, base + 2] {
            transaction.execute("insert into form (id, name) values (?1, 'Made')", [form]).unwrap();
            transaction.execute("insert into form_channel values (?1, 1)", [form]).unwrap();
            model.forms.insert(form, Form { name: "Made".to_owned(), channels: [1].into() });
        }
        let mut holders = Vec::new();
        for (index, role) in
            ["ADMIN", "ADMIN", "ADMIN", "ADMIN", "INTEGRATOR", "INTEGRATOR", "OPERATOR"].iter().enumerate()
        {
            let (name, secret) = (format!("made-{base}-{index}"), format!("surveyd_{base}_{index}"));
            let digest: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
            let insert = "insert into token (name, role, digest, created_at) values (?1, ?2, ?3, 0)";
            transaction.execute(insert, (&name, role, digest)).unwrap();
            let token = transaction.last_insert_rowid();
            model.tokens.insert(token, Token { name, role, revoked: false });
            model.secrets.insert(secret.clone(), (token, Validity::Current));
            model.next_token = token + 1;
            holders.push(Holder { token, role: (*role).to_owned(), secret });
        }
        let last = "select coalesce((select seq from sqlite_sequence where name = 'send'), 0)";
        model.first_send = transaction.query_row(last, [], |row| row.get::<_, i64>(0)).unwrap() + 1;
        transaction.commit().unwrap();
        Scene { names, model, holders, number: self.histories }
    }

    /// A client of a history, on a connection of its own.
    pub fn client(&self, scene: &Scene, number: u8) -> Client {
        let [high, low] = (scene.number % 50_000).to_be_bytes();
        let source = Ipv4Addr::new(127, high + 1, low, number + 1);
        let first = (*scene.model.tokens.keys().next().unwrap(), scene.model.first_send);
        Client::new(self.address, source, (first.0 - 1, first.1 - 1))
    }

    /// Runs a command on the database. Returns its exit code, and what a new token or a rotation printed.
    pub fn command(&self, action: &Action) -> (Answer, Option<String>) {
        let mut command = surveyd();
        command.current_dir(self.folder.path());
        let world = match action {
            Action::SetFlag(on) => Some(json!({"settings": {"surveysViaExternalApi": on}})),
            Action::PutThread(id, thread) => Some(json!({"threads": [thread.row(*id)]})),
            _ => None,
        };
        match action {
            Action::CreateToken(name, role) => command.args(["token", "create", "--name", name, "--role", role]),
            Action::RotateToken(id, true) => command.args(["token", "rotate", "--overlap", "24h"]).arg(id.to_string()),
            Action::RotateToken(id, false) => command.args(["token", "rotate"]).arg(id.to_string()),
            Action::RevokeToken(id) => command.args(["token", "revoke"]).arg(id.to_string()),
            _ => {
                std::fs::write(self.folder.path().join("world.json"), world.unwrap().to_string()).unwrap();
                command.args(["apply", "world.json"])
            }
        };
        let output = command.output().unwrap();
        let secret = String::from_utf8(output.stdout).unwrap().trim_end().to_owned();
        let code = u16::try_from(output.status.code().unwrap()).unwrap();
        (Answer::new(code, Value::Null), Some(secret).filter(|secret| !secret.is_empty()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

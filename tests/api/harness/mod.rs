//! A server in a folder of its own, and clients that speak to it over raw sockets: whole answers are compared, so
//! nothing may stand between the bytes and the test.

mod http;
mod receiver;

use std::{
    io::{BufRead, BufReader, Read},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub use http::{Answer, Client, envelope};
pub use receiver::{Received, Receiver, Reply};

/// How long a test waits for what must happen.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The program, with nothing of the environment that could change what it does.
pub fn surveyd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_surveyd"));
    let settings =
        std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("SURVEYD"));
    settings.for_each(|name| _ = command.env_remove(name));
    command
}

/// Waits until something is so.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < end, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Raises a flag when it is dropped: a test that fails while other threads go on until then would wait for them for ever.
pub struct Raise<'a>(pub &'a AtomicBool);

impl Drop for Raise<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Starts it, kills it after that time, and waits until it is gone. Yields whether it was still running.
pub fn kill_after(time: Duration, mut command: Command) -> bool {
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(time);
    let was_running = process.try_wait().unwrap().is_none();
    process.kill().unwrap();
    process.wait().unwrap();
    was_running
}

/// How long it takes when nobody kills it.
pub fn time_of(mut command: Command) -> Duration {
    let began = Instant::now();
    assert!(command.output().unwrap().status.success());
    began.elapsed()
}

/// A folder with a database in it.
pub struct Home {
    folder: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// A home whose database holds the sample world of a fake.
    pub fn with_sample() -> Self {
        let home = Self::new();
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fake/sample-world.json");
        assert!(home.run(&["apply", sample.to_str().unwrap()]).status.success());
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// The program, started in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = surveyd();
        command.current_dir(self.folder.path()).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs what must succeed, and yields what it says on stderr.
    pub fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?} said: {stderr}");
        self.without_folder(&stderr)
    }

    /// Runs what must fail with exit code 1, and yields the one sentence that it says.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?} said: {stderr}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "{arguments:?}");
        assert_eq!(stderr.lines().count(), 1, "{arguments:?} said: {stderr}");
        self.without_folder(&stderr)
    }

    fn without_folder(&self, text: &str) -> String {
        text.trim_end().replace(&format!("{}/", self.folder.path().display()), "")
    }

    /// The names of the files here, in order.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Puts more clients into the database: enough to be caught in the middle of copying them.
    pub fn fill(&self, database: &str, clients: u32) {
        let connection = rusqlite::Connection::open(self.path(database)).unwrap();
        let sql = "with recursive ids (id) as (select 1000 union all select id + 1 from ids limit ?1)
                   insert into client (id, external_id, name) select id, 'crm-' || id, 'A client of the test' from ids";
        connection.execute(sql, [clients]).unwrap();
    }

    /// The program as a user without rights: root may do everything, and tests are often run by it.
    pub fn without_rights(&self, arguments: &[&str]) -> Command {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(self.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
        // A copy where such a user can reach it.
        let binary = self.path("surveyd");
        std::fs::copy(env!("CARGO_BIN_EXE_surveyd"), &binary).unwrap();
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        let mut command = Command::new(if is_root { Path::new("setpriv") } else { &binary });
        if is_root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&binary);
        }
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    /// Makes a token, and yields its secret.
    pub fn token(&self, name: &str, role: &str) -> String {
        let output = self.run(&["token", "create", "--name", name, "--role", role]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Serves the database of this folder, with these settings.
    pub fn serve_with(&self, settings: &[(&str, &str)]) -> Server {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.envs(settings.iter().map(|(key, value)| (format!("SURVEYD__{key}"), value)));
        Server::start(command)
    }

    /// Serves the database of this folder.
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }
}

/// A running server; ended when dropped.
pub struct Server {
    /// `http` or `https`, as the ready line has it.
    pub scheme: String,
    pub address: SocketAddr,
    pub process: Child,
    /// What it has said on stderr. Read all the time: a server whose log nobody reads would stop when the pipe is full.
    said: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server, and waits for the one line on its stdout.
    pub fn start(mut command: Command) -> Self {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.strip_prefix("ready url=").and_then(|url| url.split_once("://"));
        let Some((scheme, address)) = url else {
            let mut stderr = String::new();
            process.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            panic!("not ready: {line:?}, {stderr}");
        };
        let (said, mut stderr) = (Arc::<Mutex<String>>::default(), BufReader::new(process.stderr.take().unwrap()));
        let heard = Arc::clone(&said);
        let reader = thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).unwrap() > 0 {
                heard.lock().unwrap().push_str(&std::mem::take(&mut line));
            }
        });
        Self {
            scheme: scheme.to_owned(),
            address: address.trim_end().parse().unwrap(),
            process,
            said,
            reader: Some(reader),
        }
    }

    pub fn fake() -> Self {
        Self::start({
            let mut command = surveyd();
            command.args(["fake", "--listen", "127.0.0.1:0"]);
            command
        })
    }

    /// Somebody who calls with that token, on a connection of their own.
    pub fn client(&self, token: &str) -> Client {
        Client::new(self.address, None, Some(token))
    }

    /// Somebody who calls with no token.
    pub fn stranger(&self) -> Client {
        Client::new(self.address, None, None)
    }

    /// Somebody who calls from that address.
    pub fn client_from(&self, source: impl Into<IpAddr>, token: Option<&str>) -> Client {
        Client::new(self.address, Some(source.into()), token)
    }

    /// Requests that were sent before this have reached the writer: the server has gone through many later ones.
    pub fn let_pass(&self) {
        let mut probe = self.stranger();
        for _ in 0..50 {
            probe.call("GET", "/admin/settings", None);
        }
    }

    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end; yields the exit code, and what was said on stderr.
    pub fn wait(mut self) -> (Option<i32>, String) {
        let mut code = None;
        eventually("the server ends", || {
            code = self.process.try_wait().unwrap();
            code.is_some()
        });
        self.reader.take().unwrap().join().unwrap();
        (code.unwrap().code(), self.said())
    }

    /// What it has said up to now.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// As a power cut would end it, as far as the process goes.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    /// Asked first, so that a fake removes its folder.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.process.id().to_string()).stderr(Stdio::null()).status();
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end && matches!(self.process.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

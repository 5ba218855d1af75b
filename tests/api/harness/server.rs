//! A running server or fake.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::{IpAddr, SocketAddr},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Client, DEADLINE, Signal, eventually, send_signal, surveyd};

/// A running server or fake; stopped when dropped.
pub struct Server {
    /// `http` or `https`, as the ready line has it.
    pub scheme: String,
    pub address: SocketAddr,
    pub process: Child,
    /// Its stderr up to now. A thread reads it all the time: a server whose log is not read would stop when the pipe is full.
    stderr: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server, and waits for the ready line on its stdout.
    pub fn start(mut command: Command) -> Self {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (line, _) = first_line(&mut process);
        let url = line.strip_prefix("ready url=").and_then(|url| url.split_once("://"));
        let Some((scheme, address)) = url else {
            let mut stderr = String::new();
            process.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            panic!("not ready: {line:?}, {stderr}");
        };
        let (stderr, mut pipe) = (Arc::<Mutex<String>>::default(), BufReader::new(process.stderr.take().unwrap()));
        let written = Arc::clone(&stderr);
        let reader = thread::spawn(move || {
            let mut line = String::new();
            while pipe.read_line(&mut line).unwrap() > 0 {
                written.lock().unwrap().push_str(&std::mem::take(&mut line));
            }
        });
        Self {
            scheme: scheme.to_owned(),
            address: address.trim_end().parse().unwrap(),
            process,
            stderr,
            reader: Some(reader),
        }
    }

    pub fn fake() -> Self {
        Self::fake_with(&[])
    }

    /// A fake with more arguments.
    pub fn fake_with(arguments: &[&str]) -> Self {
        let mut command = surveyd();
        command.args(["fake", "--listen", "127.0.0.1:0"]).args(arguments);
        Self::start(command)
    }

    /// A client with that token, on a connection of its own.
    pub fn client(&self, token: &str) -> Client {
        Client::new(self.address, None, Some(token))
    }

    /// A client without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(self.address, None, None)
    }

    /// A client that calls from that address.
    pub fn client_from(&self, source: impl Into<IpAddr>, token: Option<&str>) -> Client {
        Client::new(self.address, Some(source.into()), token)
    }

    /// A client of another address of the server, by the path that its log has after it: `/metrics` or `/admin`.
    pub fn client_of(&self, path: &str) -> Client {
        let mut address = None;
        eventually("the log has the other address", || {
            let address_of = |line: &str| {
                let line: Value = serde_json::from_str(line).ok()?;
                line["url"].as_str()?.strip_suffix(path)?.strip_prefix("http://")?.parse().ok()
            };
            address = self.log().lines().find_map(address_of);
            address.is_some()
        });
        Client::new(address.unwrap(), None, None)
    }

    /// Waits until the server has read every byte that clients have sent to its port: by the receive queues of the kernel.
    /// Requests that are complete have then reached the HTTP workers.
    pub fn wait_until_all_is_read(&self) {
        let port = format!(":{:04X}", self.address.port());
        eventually("the server has read everything", || {
            let table = fs::read_to_string("/proc/net/tcp").unwrap();
            let sockets: Vec<_> = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
            let (ours, theirs) = (sockets.iter().filter(|row| row[1].ends_with(&port)), &sockets);
            // Of a socket that listens, the receive queue counts the connections that are not accepted yet.
            let received = ours.clone().all(|row| row[4].ends_with(":00000000"));
            let sent = theirs.iter().filter(|row| row[2].ends_with(&port)).all(|row| row[4].starts_with("00000000:"));
            assert!(ours.count() > 0, "{port} is not in {table}");
            received && sent
        });
    }

    pub fn signal(&self, signal: Signal) {
        send_signal(self.process.id(), signal).unwrap();
    }

    /// Stops the server with SIGTERM; it must end with exit code 0. Returns its stderr.
    pub fn stop(self) -> String {
        self.signal(Signal::TERM);
        let (code, log) = self.wait();
        assert_eq!(code, Some(0), "{log}");
        log
    }

    /// Its exit status, if it has ended.
    pub fn try_wait(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().unwrap()
    }

    /// Waits until the server ends; returns the exit code and its stderr.
    pub fn wait(mut self) -> (Option<i32>, String) {
        let mut status = None;
        eventually("the server ends", || {
            status = self.process.try_wait().unwrap();
            status.is_some()
        });
        self.reader.take().unwrap().join().unwrap();
        (status.unwrap().code(), self.log())
    }

    /// Runs a script in the mount namespace of the server, in its working directory.
    pub fn in_its_mounts(&self, script: &str) {
        let process = self.process.id().to_string();
        let folder = fs::read_link(format!("/proc/{process}/cwd")).unwrap();
        let mut nsenter = Command::new("nsenter");
        nsenter.args(["-t", &process, "-m", "sh", "-c", &format!("cd {}; {script}", folder.display())]);
        let output = nsenter.output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Waits until the server accepts no connection any more.
    pub fn wait_until_closed(&self) {
        eventually("the server stops accepting", || std::net::TcpStream::connect(self.address).is_err());
    }

    /// Its stderr up to now.
    pub fn log(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Ends the server as a power cut would, as far as the process goes.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// The first line of the stdout of a process, and the rest of stdout.
pub fn first_line(process: &mut Child) -> (String, BufReader<ChildStdout>) {
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        // Nobody receives it where it comes too late.
        let _ = sender.send((line, stdout));
    });
    receiver.recv_timeout(DEADLINE).unwrap_or_else(|_| {
        process.kill().unwrap();
        panic!("there is no line on stdout")
    })
}

impl Drop for Server {
    /// SIGTERM comes first, so that a fake removes its folder.
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = send_signal(self.process.id(), Signal::TERM);
        }
        let end = Instant::now() + Duration::from_secs(1);
        while Instant::now() < end && matches!(self.process.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(1));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

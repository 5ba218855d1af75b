//! The program, run in a folder of its own.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

/// The program, without settings of the environment.
pub fn surveyd(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_surveyd"));
    let settings = env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("SURVEYD"));
    settings.for_each(|name| _ = command.env_remove(name));
    command.args(arguments);
    command
}

/// What a command prints.
pub fn output(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A server on a free port. It ends when it is dropped.
pub struct Server {
    process: Child,
    address: String,
}

impl Server {
    pub fn start(folder: &Path) -> Self {
        let mut command = surveyd(&["serve", "--listen", "127.0.0.1:0"]);
        let mut process = command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
        let address = ready.trim().strip_prefix("ready url=http://").expect("the server is ready").to_owned();
        Self { process, address }
    }

    /// The body of an answer.
    pub fn get(&self, path: &str, token: &str) -> String {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        body.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

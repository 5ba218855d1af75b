//! Nothing outside stops a server, nor its stop: a log that nobody reads, a disk that is frozen or fails to read.

mod disk;
mod log;
mod reads;

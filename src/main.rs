//! The program; what it does is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// By measurement: more answers a second, and less memory after many connections, than with the allocator of glibc.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    surveyd::run()
}

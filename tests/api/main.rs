//! Everything over real sockets, against the real binary. The tree mirrors the URLs and the words.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod admin;
mod admin_tokens;
mod attempts;
mod audit;
mod bad_requests;
mod calls_around;
mod clock;
mod concurrency;
mod crash;
mod deliveries;
mod failing_store;
mod fake_life;
mod faults;
mod harness;
mod http_layer;
mod idempotency;
mod metrics;
mod network;
mod program;
mod quality_send;
mod readiness;
mod request_log;
mod secrets;
mod settings;
mod threads_model;
mod throttle;
mod tokens;
mod waiting;
mod world_file;
mod worlds;

//! Delivery: hands what was sent to the gateway of its channel, over HTTP, signed, at least once.
//!
//! The store writes a delivery into the outbox ([`crate::store::outbox`]) in the transaction of its send. The [`queue`]
//! looks for due deliveries. The [`client`] makes each try, to an [`address`] that may be called, with a [`message`]
//! and its [`signature`]. The [`schedule`] says when the next try follows.
//!
//! Source of the form: Standard Webhooks 1.0, <https://www.standardwebhooks.com>. The vendor publishes none.

pub(crate) mod address;
pub(crate) mod client;
mod failures;
pub(crate) mod message;
pub(crate) mod queue;
pub(crate) mod resolver;
pub(crate) mod schedule;
mod signature;

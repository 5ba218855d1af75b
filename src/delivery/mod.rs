//! Delivery: what was sent is handed to the gateway of its channel, over HTTP, at least once, and signed.
//!
//! A delivery is written into the outbox ([`crate::store::outbox`]) in the transaction of its send. The [`queues`] look for what
//! is due, one [`client`] makes each try, to an [`address`] that may be called, and the [`schedule`] says when it is tried
//! again. Source of the form: Standard Webhooks 1.0, <https://www.standardwebhooks.com>; the vendor publishes none.

pub(crate) mod address;
pub(crate) mod client;
pub(crate) mod message;
pub(crate) mod queue;
pub(crate) mod schedule;

//! One try of a delivery: a request of its own, on a connection of its own, to an address that was checked.

use std::{
    fmt,
    io::{self, Read},
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, fmt::rfc2822};
use ureq::{
    Agent, Error,
    config::Config,
    http::{HeaderMap, StatusCode, Uri, header::RETRY_AFTER},
    tls::{RootCerts, TlsConfig},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use crate::delivery::address::Policy;
use crate::{
    store::{directory::Gateway, transfer::world_file::WorldFile},
    survey::gateway::DeliveryUrl,
};

/// How much of an answer's body is read, in bytes; it is dropped, and the rest with the connection.
const ANSWER_LIMIT: u64 = 64 * 1024;

/// How many characters of what went wrong are kept.
const LONGEST_RESULT: usize = 200;

/// Who makes the tries. A clone is the same client.
#[derive(Clone)]
pub(crate) struct DeliveryClient {
    agent: Agent,
    policy: Arc<Policy>,
    timeout: Duration,
}

/// What came of a try.
#[derive(Debug)]
pub(crate) struct TryResult {
    /// How it is to go on.
    pub(crate) answer: GatewayAnswer,
    /// What happened, in words of ours: nothing that a gateway sends gets into a list or a log as it is.
    pub(crate) result: String,
}

/// How it is to go on after a try.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum GatewayAnswer {
    /// 2xx: it was accepted.
    Accepted,
    /// Anything else. It may ask for so much time.
    Failed(Option<Duration>),
    /// 410: nothing more is wanted at this address.
    Gone,
}

impl DeliveryClient {
    /// One that goes where the policy lets it, and gives a try so much time.
    pub(crate) fn new(policy: Policy, timeout: Duration) -> Self {
        let policy = Arc::new(policy);
        let config = Config::builder()
            .timeout_global(Some(timeout))
            // The policy is about the address that is connected to; a proxy would connect to another.
            .proxy(None)
            // A redirect is a failure: what it leads to was not checked, nor chosen by whoever wrote the address.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // A connection that was kept may be dead, and would not be checked again.
            .max_idle_connections(0)
            .user_agent(concat!("surveyd/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .build();
        let resolver = CheckedResolver { inner: DefaultResolver::default(), policy: Arc::clone(&policy) };
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        Self { agent, policy, timeout }
    }

    /// Hands a message to a gateway, in this thread: it may take as long as the time limit.
    ///
    /// The time that is signed is the system's, whatever the clock of a fake's world shows: a gateway compares it with its own.
    pub(crate) fn deliver(&self, gateway: &Gateway, webhook_id: &str, body: &str) -> TryResult {
        let timestamp = Timestamp::now().as_second();
        let signatures: Vec<_> =
            gateway.secrets.iter().map(|secret| secret.sign(webhook_id, timestamp, body)).collect();
        let request = self
            .agent
            .post(gateway.url.as_str())
            .header("Content-Type", "application/json")
            .header("webhook-id", webhook_id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signatures.join(" "));
        match request.send(body) {
            Ok(mut answer) => {
                let tried = judge(answer.status(), answer.headers());
                // Read, so that a gateway that writes it does not see a reset; whatever becomes of it, the status is told.
                let _ = io::copy(&mut answer.body_mut().as_reader().take(ANSWER_LIMIT), &mut io::sink());
                tried
            }
            Err(error) => TryResult { answer: GatewayAnswer::Failed(None), result: self.explain(&error) },
        }
    }

    fn explain(&self, error: &Error) -> String {
        let text = match error {
            Error::Timeout(_) => format!("no answer within {} ms", self.timeout.as_millis()),
            Error::HostNotFound => "its name is not known".to_owned(),
            Error::Io(error) => match error.kind() {
                io::ErrorKind::ConnectionRefused => "the connection was refused".to_owned(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
                    "the connection was cut before an answer".to_owned()
                }
                // The system's words, among them what it says of a name that does not resolve.
                _ => error.to_string(),
            },
            Error::Other(refused) if refused.is::<Refused>() => refused.to_string(),
            Error::Protocol(_) | Error::Http(_) => "the answer is not HTTP".to_owned(),
            other => other.to_string(),
        };
        text.chars().take(LONGEST_RESULT).flat_map(char::escape_debug).collect()
    }

    /// Whether an address may be called, as far as can be told now: its name is resolved.
    ///
    /// Errors: why not.
    pub(crate) fn check(&self, url: &DeliveryUrl) -> Result<(), String> {
        let uri: Uri = url.as_str().parse().map_err(|_| "must be a URL".to_owned())?;
        let timeout =
            NextTimeout { after: self.timeout.into(), reason: ureq::Timeout::Resolve, ..NextTimeout::default() };
        let resolver = CheckedResolver { inner: DefaultResolver::default(), policy: Arc::clone(&self.policy) };
        match resolver.resolve(&uri, self.agent.config(), timeout) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("cannot be called: {}", self.explain(&error))),
        }
    }

    /// The same for every address of a world file.
    ///
    /// Errors: the place (`channels[0].deliveryUrl`), and why not.
    pub(crate) fn check_world(&self, world: &WorldFile) -> Result<(), String> {
        world.delivery_urls().try_for_each(|(place, url)| self.check(url).map_err(|error| format!("{place}: {error}")))
    }
}

/// What an answer means. Source: Standard Webhooks 1.0, "Deliverability and reliability".
fn judge(status: StatusCode, headers: &HeaderMap) -> TryResult {
    let answer = match status {
        status if status.is_success() => GatewayAnswer::Accepted,
        StatusCode::GONE => GatewayAnswer::Gone,
        _ => GatewayAnswer::Failed(headers.get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?))),
    };
    // The canonical words of the status, not those of the answer.
    TryResult { answer, result: status.to_string() }
}

/// Seconds, or a date. Source: RFC 9110, section 10.2.3.
fn retry_after(value: &str) -> Option<Duration> {
    let value = value.trim();
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are a long time, too.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX))).filter(|_| !value.is_empty());
    }
    let date = rfc2822::parse(value).ok()?.timestamp();
    Some(date.duration_since(Timestamp::now()).try_into().unwrap_or_default())
}

/// Resolves a name once, and yields its addresses only if every one of them may be called.
struct CheckedResolver {
    inner: DefaultResolver,
    policy: Arc<Policy>,
}

impl fmt::Debug for CheckedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedResolver")
    }
}

/// Why an address is not called.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

impl Resolver for CheckedResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let addresses = self.inner.resolve(uri, config, timeout)?;
        for address in &addresses {
            self.policy.check(address.ip()).map_err(|why| Error::Other(Box::new(Refused(why))))?;
        }
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0", Some(0))]
    #[case("120", Some(120))]
    #[case("99999999999999999999999", Some(u64::MAX))]
    #[case("Sun, 06 Nov 1994 08:49:37 GMT", Some(0))]
    #[case("", None)]
    #[case("-5", None)]
    #[case("soon", None)]
    fn retry_after_is_seconds_or_a_date(#[case] value: &str, #[case] seconds: Option<u64>) {
        assert_eq!(retry_after(value), seconds.map(Duration::from_secs));
    }

    #[test]
    fn a_date_to_come_is_waited_for() {
        let later = Timestamp::now() + jiff::SignedDuration::from_secs(3600);
        let value = later.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let wait = retry_after(&value).expect("a date");
        assert!((3590..=3600).contains(&wait.as_secs()), "{wait:?}");
    }

    #[rstest]
    #[case(200, GatewayAnswer::Accepted)]
    #[case(204, GatewayAnswer::Accepted)]
    #[case(302, GatewayAnswer::Failed(None))]
    #[case(410, GatewayAnswer::Gone)]
    #[case(500, GatewayAnswer::Failed(None))]
    fn a_status_is_judged(#[case] status: u16, #[case] answer: GatewayAnswer) {
        assert_eq!(judge(StatusCode::from_u16(status).expect("a status"), &HeaderMap::new()).answer, answer);
    }
}

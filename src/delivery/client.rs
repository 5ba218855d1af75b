//! One try of a delivery: one request, on its own connection, to an address that was checked.

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
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use crate::delivery::{
    address::{LocalAddresses, Policy},
    resolver::ThreadResolver,
    signature::sign,
};
use crate::{
    store::{directory::Gateway, transfer::world_file::WorldFile},
    survey::gateway::DeliveryUrl,
};

/// At most this many bytes of an answer's body are read and dropped; the connection is then closed.
const ANSWER_LIMIT: u64 = 64 * 1024;

/// The longest description of a failure that is kept, in characters.
const MAX_RESULT_CHARS: usize = 200;

/// Makes the tries. Clones share one client.
#[derive(Clone)]
pub(crate) struct DeliveryClient {
    agent: Agent,
    policy: Arc<Policy>,
    timeout: Duration,
}

/// The result of a try.
#[derive(Debug)]
pub(crate) struct TryResult {
    pub(crate) answer: GatewayAnswer,
    /// What happened, for lists and logs. It contains nothing that a gateway sent, so that a gateway cannot write into
    /// them.
    pub(crate) description: String,
}

/// What a try means for the delivery.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum GatewayAnswer {
    /// 2xx.
    Accepted,
    /// Any other answer, or none. A gateway may ask for a wait before the next try.
    Failed(Option<Duration>),
    /// 410: the gateway wants no more deliveries at this address.
    Gone,
}

impl DeliveryClient {
    /// `timeout` limits one whole try.
    pub(crate) fn new(policy: Policy, timeout: Duration) -> Self {
        let policy = Arc::new(policy);
        let config = Config::builder()
            .timeout_global(Some(timeout))
            // The policy checks the address of the connection; a proxy would connect to another one.
            .proxy(None)
            // A redirect is a failure: its target was not checked, and the administrator did not choose it.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // An idle connection may be dead, and its address would not be checked again.
            .max_idle_connections(0)
            .user_agent(concat!("surveyd/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .build();
        let resolver = CheckedResolver(Arc::clone(&policy));
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        Self { agent, policy, timeout }
    }

    /// Sends a message to a gateway. Blocks this thread, at most for the timeout.
    ///
    /// Signs the time of the system and not that of a fake's clock: a gateway compares it with its own time.
    pub(crate) fn deliver(&self, gateway: &Gateway, webhook_id: &str, body: &str) -> TryResult {
        let timestamp = Timestamp::now().as_second();
        let signatures: Vec<_> =
            gateway.secrets.iter().map(|secret| sign(secret, webhook_id, timestamp, body)).collect();
        let request = self
            .agent
            .post(gateway.url.uri())
            .header("Content-Type", "application/json")
            .header("webhook-id", webhook_id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signatures.join(" "));
        match request.send(body) {
            Ok(mut answer) => {
                let result = interpret(answer.status(), answer.headers());
                // Reads the body, so that a gateway that still writes it sees no reset. An error here changes nothing,
                // because the status is known.
                let _ = io::copy(&mut answer.body_mut().as_reader().take(ANSWER_LIMIT), &mut io::sink());
                result
            }
            Err(error) => TryResult { answer: GatewayAnswer::Failed(None), description: self.explain(&error) },
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
                // The message of the system, for example for a name that does not resolve.
                _ => error.to_string(),
            },
            Error::Other(error) if error.is::<ForbiddenAddress>() => error.to_string(),
            Error::Protocol(_) | Error::Http(_) => "the answer is not HTTP".to_owned(),
            other => other.to_string(),
        };
        text.chars().take(MAX_RESULT_CHARS).flat_map(char::escape_debug).collect()
    }

    /// Checks an address that is written as such. A name is resolved and checked at each try: that a server of names does not
    /// answer just now must not keep an administrator from storing it.
    ///
    /// Errors: why it may not be called.
    pub(crate) fn check(&self, url: &DeliveryUrl) -> Result<(), String> {
        if !url.uri().host().is_some_and(is_address) {
            return Ok(());
        }
        let timeout =
            NextTimeout { after: self.timeout.into(), reason: ureq::Timeout::Resolve, ..NextTimeout::default() };
        let resolver = CheckedResolver(Arc::clone(&self.policy));
        match resolver.resolve(url.uri(), self.agent.config(), timeout) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("cannot be called: {}", self.explain(&error))),
        }
    }

    /// Checks every address of a world file.
    ///
    /// Errors: the path (`channels[0].deliveryUrl`), and why the address may not be called.
    pub(crate) fn check_world(&self, world: &WorldFile) -> Result<(), String> {
        world.delivery_urls().try_for_each(|(path, url)| self.check(url).map_err(|error| format!("{path}: {error}")))
    }
}

/// Whether a host is an address, in any notation that the system reads (`127.1`, `0x7f000001`), or a name of this machine.
/// Source: <https://url.spec.whatwg.org/#ends-in-a-number-checker>, and RFC 6761, section 6.3.
fn is_address(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or(host).to_ascii_lowercase();
    host.starts_with('[')
        || last == "localhost"
        || last.starts_with("0x")
        || last.bytes().all(|byte| byte.is_ascii_digit())
}

/// Source: Standard Webhooks 1.0, "Deliverability and reliability".
fn interpret(status: StatusCode, headers: &HeaderMap) -> TryResult {
    let answer = match status {
        status if status.is_success() => GatewayAnswer::Accepted,
        StatusCode::GONE => GatewayAnswer::Gone,
        _ => GatewayAnswer::Failed(headers.get(RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?))),
    };
    // The standard reason phrase of the status, not the one that the gateway sent.
    TryResult { answer, description: status.to_string() }
}

/// The header is a number of seconds or a date. Source: RFC 9110, section 10.2.3.
fn retry_after(value: &str) -> Option<Duration> {
    let value = value.trim();
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits for a number mean a long time.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX))).filter(|_| !value.is_empty());
    }
    let date = rfc2822::parse(value).ok()?.timestamp();
    Some(date.duration_since(Timestamp::now()).try_into().unwrap_or_default())
}

/// Resolves a name, and returns its addresses only if all of them may be called.
struct CheckedResolver(Arc<Policy>);

impl fmt::Debug for CheckedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedResolver")
    }
}

/// The policy does not allow an address; the text says why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct ForbiddenAddress(String);

impl Resolver for CheckedResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let addresses = ThreadResolver.resolve(uri, config, timeout)?;
        // Read for each try: an interface may have got another address.
        let local = LocalAddresses::read()?;
        for address in &addresses {
            self.0.check(address.ip(), &local).map_err(|why| Error::Other(Box::new(ForbiddenAddress(why))))?;
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

    #[rstest]
    #[case("127.0.0.1", true)]
    #[case("127.1", true)]
    #[case("2130706433", true)]
    #[case("0X7f.1.", true)]
    #[case("127.0.0x1", true)]
    #[case("[::1]", true)]
    #[case("LocalHost.", true)]
    #[case("gateway.localhost", true)]
    #[case("1.gateway.example", false)]
    #[case("10gateway", false)]
    #[case("localhost.example", false)]
    fn an_address_is_not_a_name(#[case] host: &str, #[case] expected: bool) {
        assert_eq!(is_address(host), expected);
    }

    #[test]
    fn a_date_in_the_future_is_a_wait() {
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
    fn a_status_has_a_meaning(#[case] status: u16, #[case] answer: GatewayAnswer) {
        assert_eq!(interpret(StatusCode::from_u16(status).expect("a status"), &HeaderMap::new()).answer, answer);
    }
}

//! TLS: a certificate and its key, read at the start and again at SIGHUP.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use parking_lot::RwLock;
use rustls::{
    Error, InconsistentKeys, ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use tokio_rustls::TlsAcceptor;
use x509_parser::parse_x509_certificate;

/// A client that offers only HTTP/2 is refused in the handshake: actix is built without it.
const PROTOCOL: &[u8] = b"http/1.1";

/// What the server presents to clients.
pub(crate) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads two PEM files: the certificate, followed by those that lead to its root, and its key.
    ///
    /// Errors: one sentence that names the file and says what is wrong with it.
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Self> {
        let current = RwLock::new(read(certificate, key)?);
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), current })
    }

    /// Reads the files again, for new connections.
    ///
    /// Errors: as for [`Tls::load`]; the certificate and key in use stay in use.
    pub(crate) fn reload(&self) -> Result<()> {
        let new = read(&self.certificate, &self.key)?;
        *self.current.write() = new;
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.current.read()).into()
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>> {
    let (of_certificate, of_key) = (certificate.display(), key.display());
    let chain =
        read_pem(certificate).and_then(|pem| CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>());
    let chain = chain.with_context(|| format!("cannot read the certificate {of_certificate} (tls.cert)"))?;
    let Some(first) = chain.first() else {
        bail!("there is no certificate in {of_certificate} (tls.cert); it must be PEM")
    };
    check_time(first).with_context(|| format!("the certificate {of_certificate} (tls.cert) cannot be used"))?;
    let private = read_pem(key).and_then(|pem| PrivateKeyDer::from_pem_slice(&pem));
    let private = private.with_context(|| format!("cannot read the key {of_key} (tls.key)"))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().context("TLS cannot be used")?;
    let mut config = match config.with_no_client_auth().with_single_cert(chain, private) {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            bail!("the key {of_key} (tls.key) does not fit the certificate {of_certificate} (tls.cert)")
        }
        config => {
            config.with_context(|| format!("{of_certificate} and {of_key} (tls.cert, tls.key) cannot be used"))?
        }
    };
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Arc::new(config))
}

/// Reads a PEM file. A byte-order mark, which some editors write, would hide its first line.
fn read_pem(path: &Path) -> Result<Vec<u8>, pem::Error> {
    let mut bytes = fs::read(path).map_err(pem::Error::Io)?;
    if bytes.starts_with("\u{feff}".as_bytes()) {
        bytes.drain(..'\u{feff}'.len_utf8());
    }
    Ok(bytes)
}

/// Errors: it is not a certificate, it has expired, or it is not valid yet.
fn check_time(certificate: &CertificateDer<'_>) -> Result<()> {
    let (_, parsed) = parse_x509_certificate(certificate).context("it is not an X.509 certificate")?;
    let (now, validity) = (jiff::Timestamp::now().as_second(), parsed.validity());
    ensure!(now <= validity.not_after.timestamp(), "it expired on {}", validity.not_after);
    ensure!(now >= validity.not_before.timestamp(), "it is not valid before {}", validity.not_before);
    Ok(())
}

//! A certificate for this machine, for clients that insist on TLS.
//!
//! The data folder has an authority of its own, created at the first start that needs one; to trust the local host,
//! trust its certificate (`tls/authority.pem`) and nothing else. The certificate that the endpoints use is signed by it
//! anew at every start; its key is never stored.

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// The names the certificate is for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What the endpoints need to speak TLS.
pub(crate) struct Tls {
    /// File of the authority's certificate, for clients to trust.
    pub(crate) authority: PathBuf,
    /// Certificate and key for the endpoints.
    pub(crate) server: Arc<ServerConfig>,
}

impl Tls {
    /// Takes the authority of the data folder, or creates one, and has it sign a certificate.
    pub(crate) fn load(data: &Path) -> Result<Self> {
        let folder = data.join("tls");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
        let (file, key_file) = (folder.join("authority.pem"), folder.join("authority-key.pem"));
        let key = match fs::read_to_string(&key_file) {
            Ok(text) => {
                KeyPair::from_pem(&text).with_context(|| format!("{} is damaged; delete it", key_file.display()))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = KeyPair::generate().context("no key can be made")?;
                write_secret(&key_file, &key.serialize_pem())?;
                // It belongs to another authority.
                let _ = fs::remove_file(&file);
                key
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", key_file.display())),
        };
        let authority = CertifiedIssuer::self_signed(authority(), key).context("the authority cannot be made")?;
        if !file.exists() {
            fs::write(&file, authority.pem()).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(Self { authority: file, server: Arc::new(server(&authority)?) })
    }
}

/// The authority. Nothing here may change between starts, because its certificate stays.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "IRIS local host");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2046, 1, 1));
    params
}

fn server(authority: &CertifiedIssuer<'_, KeyPair>) -> Result<ServerConfig> {
    let mut params = CertificateParams::new(NAMES.map(str::to_owned)).context("a name cannot be certified")?;
    params.distinguished_name.push(DnType::CommonName, NAMES[0]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2046, 1, 1));
    let key = KeyPair::generate().context("no key can be made")?;
    let certificate = params.signed_by(&key, authority).context("the certificate cannot be made")?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?
        .with_no_client_auth();
    let private = PrivatePkcs8KeyDer::from(key.serialize_der());
    config
        .with_single_cert(vec![certificate.into()], private.into())
        .context("the certificate and its key do not belong together")
}

/// Writes a file that only this user can read.
fn write_secret(file: &Path, text: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut opened| opened.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    /// Whether a client that trusts the certificate in a file accepts the server for this host.
    async fn is_trusted(authority: &Path, server: Arc<ServerConfig>, host: &'static str) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let client = client.with_safe_default_protocol_versions().unwrap();
        let client = client.with_root_certificates(roots).with_no_client_auth();
        let (near, far) = tokio::io::duplex(16 * 1024);
        let served = tokio::spawn(async move {
            let mut stream = TlsAcceptor::from(server).accept(far).await?;
            stream.write_all(b"hello").await?;
            stream.shutdown().await
        });
        let connected = TlsConnector::from(Arc::new(client)).connect(ServerName::try_from(host).unwrap(), near).await;
        let Ok(mut stream) = connected else { return false };
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        served.await.unwrap().unwrap();
        text == "hello"
    }

    #[tokio::test]
    async fn who_trusts_the_folders_authority_trusts_the_host_over_restarts() {
        let data = tempfile::tempdir().unwrap();
        let first = Tls::load(data.path()).unwrap();
        let authority = fs::read_to_string(&first.authority).unwrap();
        let second = Tls::load(data.path()).unwrap();
        assert_eq!(fs::read_to_string(&second.authority).unwrap(), authority);
        for host in NAMES {
            assert!(is_trusted(&first.authority, Arc::clone(&second.server), host).await, "{host}");
        }
        assert!(!is_trusted(&first.authority, Arc::clone(&second.server), "example.com").await);
        let other = tempfile::tempdir().unwrap();
        let other = Tls::load(other.path()).unwrap();
        assert!(!is_trusted(&other.authority, first.server, "localhost").await);
    }
}

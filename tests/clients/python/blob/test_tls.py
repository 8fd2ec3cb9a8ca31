from datetime import datetime, timedelta, timezone

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobClient, BlobSasPermissions, BlobServiceClient, ContainerClient, generate_blob_sas

from host import Host

operation = pytest.mark.operation


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    running = Host(tmp_path_factory.mktemp("secure"), 0, 0, "--tls")
    yield running
    running.stop()


@operation("blob-tls")
@pytest.mark.ours
def test_tls(secure, name):
    trusted = {"connection_verify": secure.connections["certificate"], "retry_total": 0}
    with BlobServiceClient.from_connection_string(secure.storage, **trusted) as service:
        assert service.url.startswith("https://")
        container = service.create_container(name)
        blob = container.upload_blob("a", b"secret")
        token = generate_blob_sas(
            service.account_name, name, "a", account_key=service.credential.account_key, protocol="https",
            permission=BlobSasPermissions(read=True), expiry=datetime.now(timezone.utc) + timedelta(hours=1),
        )
        with BlobClient.from_blob_url(f"{blob.url}?{token}", **trusted) as signed:
            assert signed.download_blob().readall() == b"secret"
    with ContainerClient.from_container_url(secure.caller["drops"]["url"], **trusted) as drops:
        drops.upload_blob("a.csv", b"LocalId\n")
    with BlobServiceClient.from_connection_string(secure.storage, retry_total=0) as stranger:
        with pytest.raises(Exception) as refused:
            stranger.create_container(f"{name}-x")
        assert not isinstance(refused.value, HttpResponseError)

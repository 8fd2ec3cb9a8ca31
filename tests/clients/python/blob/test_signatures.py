import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import (
    AccessPolicy,
    AccountSasPermissions,
    BlobClient,
    BlobSasPermissions,
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    ResourceTypes,
    generate_account_sas,
    generate_blob_sas,
    generate_container_sas,
)

from conftest import until

operation = pytest.mark.operation
LIVE = timedelta(minutes=30)


def now():
    return datetime.now(timezone.utc)


@pytest.fixture
def blob(container):
    return container.upload_blob("folder/x y.txt", b"content")


def for_blob(service, blob, permission="r", **terms):
    """A client of the blob with nothing but a signature."""
    terms = {"expiry": now() + LIVE} | terms
    token = generate_blob_sas(
        service.account_name, blob.container_name, blob.blob_name, account_key=service.credential.account_key,
        permission=BlobSasPermissions.from_string(permission) if permission else None, **terms,
    )
    return BlobClient.from_blob_url(f"{blob.url}?{token}", retry_total=0)


def for_container(service, container, permission="rl", **terms):
    terms = {"expiry": now() + LIVE} | terms
    token = generate_container_sas(
        service.account_name, container.container_name, account_key=service.credential.account_key,
        permission=ContainerSasPermissions.from_string(permission) if permission else None, **terms,
    )
    return ContainerClient.from_container_url(f"{container.url}?{token}", retry_total=0)


def for_account(service, resources="sco", permission="rl", **terms):
    terms = {"expiry": now() + LIVE} | terms
    token = generate_account_sas(
        service.account_name, service.credential.account_key, ResourceTypes.from_string(resources),
        AccountSasPermissions.from_string(permission), **terms,
    )
    return BlobServiceClient(f"{service.url}?{token}", retry_total=0)


def status(request):
    with pytest.raises(HttpResponseError) as refused:
        request()
    return refused.value.status_code


@operation("sas-blob")
def test_for_one_blob(service, container, blob):
    assert for_blob(service, blob).download_blob().readall() == b"content"
    target = container.get_blob_client("new")
    writer = for_blob(service, target, "cw")
    writer.upload_blob(b"first", overwrite=True)
    for_blob(service, target, "w").upload_blob(b"second", overwrite=True)
    for_blob(service, target, "d").delete_blob()
    assert not target.exists()


@operation("sas-container")
def test_for_a_container(service, container, blob):
    reader = for_container(service, container)
    assert [found.name for found in reader.list_blobs()] == [blob.blob_name]
    assert reader.download_blob(blob.blob_name).readall() == b"content"
    for_container(service, container, "c").upload_blob("dropped", b"x")
    assert container.download_blob("dropped").readall() == b"x"


@operation("sas-account")
def test_for_the_account(service, container, blob):
    reader = for_account(service)
    assert container.container_name in [found.name for found in reader.list_containers()]
    assert reader.get_blob_client(container.container_name, blob.blob_name).download_blob().readall() == b"content"
    objects = for_account(service, "o", "rwdlac")
    assert status(lambda: list(objects.list_containers())) == 403
    assert status(lambda: list(objects.get_container_client(container.container_name).list_blobs())) == 403


@operation("sas-policy")
def test_by_stored_policy(service, container, blob):
    policy = AccessPolicy(ContainerSasPermissions(read=True), now() + LIVE, now() - LIVE)
    container.set_container_access_policy({"readers": policy})
    assert list(item.id for item in container.get_container_access_policy()["signed_identifiers"]) == ["readers"]
    reader = for_container(service, container, None, policy_id="readers", expiry=None)
    assert until(lambda: reader.download_blob(blob.blob_name).readall()) == b"content"
    assert status(lambda: list(reader.list_blobs())) == 403
    container.set_container_access_policy({})
    assert status(lambda: reader.download_blob(blob.blob_name)) == 403


@operation("sas-headers")
def test_headers_of_the_answer(service, blob):
    client = for_blob(service, blob, content_type="text/x-test", content_disposition="attachment", cache_control="no-cache")
    found = client.download_blob().properties.content_settings
    assert (found.content_type, found.content_disposition, found.cache_control) == ("text/x-test", "attachment", "no-cache")


@operation("sas-expired")
def test_expired(service, container, blob):
    past = {"start": now() - 2 * LIVE, "expiry": now() - LIVE}
    assert status(for_blob(service, blob, **past).download_blob) == 403
    assert status(lambda: list(for_container(service, container, **past).list_blobs())) == 403
    assert status(lambda: list(for_account(service, **past).list_containers())) == 403


@operation("sas-early")
def test_not_yet_valid(service, blob):
    assert status(for_blob(service, blob, start=now() + LIVE, expiry=now() + 2 * LIVE).download_blob) == 403


@operation("sas-permission")
def test_for_another_operation(service, container, blob):
    assert status(lambda: for_blob(service, blob, "r").upload_blob(b"x", overwrite=True)) == 403
    assert status(for_blob(service, blob, "cw").download_blob) == 403
    assert status(for_blob(service, blob, "rw").delete_blob) == 403
    create = for_blob(service, blob, "c")
    assert status(lambda: create.upload_blob(b"x", overwrite=True)) in (403, 409), "create alone does not replace"
    assert status(lambda: list(for_container(service, container, "r").list_blobs())) == 403
    assert status(lambda: for_account(service, permission="r").create_container("not-allowed")) == 403
    assert blob.download_blob().readall() == b"content"


@operation("sas-resource")
def test_for_something_else(service, container, blob, name):
    token = for_blob(service, blob).url.split("?")[1]
    other = container.upload_blob("other", b"secret")
    assert status(BlobClient.from_blob_url(f"{other.url}?{token}", retry_total=0).download_blob) == 403
    assert status(lambda: list(ContainerClient.from_container_url(f"{container.url}?{token}").list_blobs())) == 403
    elsewhere = service.create_container(f"{name}-b")
    secret = elsewhere.upload_blob("folder/x y.txt", b"secret")
    token = for_container(service, container).url.split("?")[1]
    assert status(BlobClient.from_blob_url(f"{secret.url}?{token}", retry_total=0).download_blob) == 403
    elsewhere.delete_container()


@operation("sas-forged")
def test_changed_by_hand(service, blob):
    url = for_blob(service, blob).url
    for before, after in [("sp=r&", "sp=rw&"), ("sig=", "sig=A"), ("sr=b", "sr=c")]:
        assert before in url
        assert status(BlobClient.from_blob_url(url.replace(before, after), retry_total=0).download_blob) == 403


@operation("sas-https")
def test_for_https_only(service, blob):
    assert status(for_blob(service, blob, protocol="https").download_blob) == 403


@operation("sas-address")
def test_for_another_address(service, blob):
    assert status(for_blob(service, blob, ip="192.0.2.1").download_blob) == 403
    assert for_blob(service, blob, ip="127.0.0.0-127.0.0.255").download_blob().readall() == b"content"


@operation("sas-service")
def test_for_another_service(service, blob):
    from azure.storage.blob._shared.models import Services

    assert status(lambda: list(for_account(service, services=Services(queue=True)).list_containers())) == 403


@operation("wrong-account-key")
def test_a_wrong_key(service, container):
    wrong = ContainerClient(
        service.url, container.container_name, retry_total=0,
        credential={"account_name": service.account_name, "account_key": "d3JvbmcgaW4gZXZlcnkgd2F5"},
    )
    assert status(lambda: list(wrong.list_blobs())) == 403


@operation("anonymous")
def test_no_credential(blob):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(blob.url, timeout=30)
    assert refused.value.code in (401, 403, 404, 409) and b"content" not in refused.value.read()


@operation("no-delegation")
@pytest.mark.ours
def test_user_delegation_keys(service):
    with pytest.raises(Exception) as refused:
        service.get_user_delegation_key(now(), now() + LIVE)
    assert "key" in str(refused.value).lower() or "auth" in str(refused.value).lower()

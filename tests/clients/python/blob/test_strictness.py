"""Where a server is easily stricter or laxer than the service: what clients send, and what they take for an answer."""

import base64
import hashlib
import uuid
from datetime import datetime, timezone
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobBlock, BlobLeaseClient, ContentSettings, CustomerProvidedEncryptionKey, StandardBlobTier

from blob_client import readable

operation = pytest.mark.operation
LONG_AGO = datetime(2001, 1, 1, tzinfo=timezone.utc)


def refused(request):
    with pytest.raises(HttpResponseError) as failure:
        request()
    return failure.value


@operation("metadata-order")
def test_metadata_names_with_signs_and_digits(container):
    metadata = {name: name for name in ["a1", "a_1", "ab", "a_", "a", "A2", "_1", "a1_b", "a_1b"]}
    blob = container.upload_blob("m", b"x", metadata=metadata)
    assert blob.get_blob_properties().metadata == metadata
    blob.set_blob_metadata(metadata)
    assert next(iter(container.list_blobs(include=["metadata"]))).metadata == metadata


@operation("headers-cleared")
def test_content_headers_taken_away(container):
    settings = ContentSettings(content_type="text/csv", content_md5=bytearray(b"1234"))
    blob = container.upload_blob("h", b"x")
    blob.set_http_headers(settings)
    assert bytes(blob.get_blob_properties().content_settings.content_md5) == b"1234"
    blob.set_http_headers(ContentSettings())
    found = blob.get_blob_properties().content_settings
    assert (found.content_type, found.content_md5) == (None, None)
    assert blob.download_blob().readall() == b"x"


@operation("digests")
def test_one_digest(container):
    blob = container.get_blob_client("d")
    content = b"123456789"
    md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
    crc64 = "iJh5CoYUi64="
    told = blob.stage_block("a", content, headers={"x-ms-content-crc64": crc64})
    assert bytes(told["content_crc64"]) == base64.b64decode(crc64)
    wrong = refused(lambda: blob.stage_block("a", content, headers={"x-ms-content-crc64": "AAAAAAAAAAA="}))
    assert wrong.error_code == "Crc64Mismatch"
    both = {"x-ms-content-crc64": crc64, "Content-MD5": md5}
    assert refused(lambda: blob.stage_block("a", content, headers=both)).error_code == "BothCrc64AndMd5HeaderPresent"
    assert blob.commit_block_list([BlobBlock("a")])["etag"]


@operation("tier")
def test_tiers(container):
    blob = container.upload_blob("t", b"x")
    assert blob.get_blob_properties().blob_tier_change_time is None
    blob.set_standard_blob_tier(StandardBlobTier.COOL)
    properties = blob.get_blob_properties()
    assert properties.blob_tier == "Cool" and properties.blob_tier_change_time >= properties.last_modified
    blob.set_standard_blob_tier("Smart")
    assert blob.get_blob_properties().blob_tier == "Smart"


@operation("range-odd")
@pytest.mark.parametrize("odd", ["bytes=-3", "bytes=5-2", "items=0-1", "nonsense"])
def test_ranges_that_are_none(service, container, odd):
    # The client itself writes no such range.
    blob = container.upload_blob("r", b"0123456789")
    with urlopen(Request(readable(service, blob), headers={"Range": odd})) as answer:
        assert (answer.status, answer.read()) == (200, b"0123456789")


@operation("backslash")
def test_a_backslash(container):
    container.upload_blob("a\\b", b"x")
    assert container.download_blob("a/b").readall() == b"x"
    assert [blob.name for blob in container.list_blobs()] == ["a/b"]


@operation("lease-forms")
def test_forms_of_a_lease_id(container):
    identity = uuid.uuid4()
    blob = container.upload_blob("l", b"1")
    lease = BlobLeaseClient(blob, str(identity))
    lease.acquire()
    for form in [f"{{{identity}}}", identity.hex, str(identity).upper()]:
        blob.upload_blob(b"2", overwrite=True, lease=form)
        BlobLeaseClient(blob, form).renew()
    assert lease.break_lease(lease_break_period=30) <= 30
    for _ in range(3):
        assert lease.break_lease(lease_break_period=60) <= 30
    assert lease.break_lease(lease_break_period=0) == 0


@operation("lease-forms")
def test_a_break_of_a_containers_lease_only_shortens(container):
    lease = container.acquire_lease()
    lease.break_lease(lease_break_period=2)
    assert lease.break_lease(lease_break_period=60) <= 2
    assert lease.break_lease(lease_break_period=0) == 0


@operation("copy-properties")
def test_what_a_copy_keeps(service, container):
    settings = ContentSettings(content_type="text/csv", content_language="en")
    source = container.upload_blob("source", b"content", content_settings=settings, tags={"kind": "csv"})
    address = readable(service, source)
    target = container.get_blob_client("target")
    target.upload_blob_from_url(address, include_source_blob_properties=False, overwrite=True)
    found = target.get_blob_properties()
    assert (found.content_settings.content_type, found.content_settings.content_language) == ("application/octet-stream", None)
    assert found.tag_count is None
    target.upload_blob_from_url(address, overwrite=True, content_settings=ContentSettings(content_type="text/plain"))
    found = target.get_blob_properties().content_settings
    assert (found.content_type, found.content_language) == ("text/plain", "en")
    target.start_copy_from_url(address, requires_sync=True, tags="COPY")
    assert target.get_blob_tags() == {"kind": "csv"}
    wrong = refused(lambda: target.start_copy_from_url(address, requires_sync=True, headers={
        "x-ms-copy-source-tag-option": "COPY", "x-ms-tags": "a=b"}))
    assert wrong.status_code == 400


@operation("copy-source-refused")
def test_sources_that_cannot_be_read(service, container):
    target = container.get_blob_client("target")
    missing = readable(service, container.get_blob_client("none"))
    for request in [
        lambda: target.upload_blob_from_url(missing),
        lambda: target.stage_block_from_url("a", missing),
        lambda: target.start_copy_from_url(missing, requires_sync=True),
    ]:
        failure = refused(request)
        assert (failure.status_code, failure.error_code) == (404, "CannotVerifyCopySource")
        assert failure.response.headers["x-ms-copy-source-status-code"] == "404"
        assert failure.response.headers["x-ms-copy-source-error-code"] == "BlobNotFound"
    source = container.upload_blob("source", b"x")
    failure = refused(lambda: target.start_copy_from_url(source.url, source_if_unmodified_since=LONG_AGO))
    assert (failure.status_code, failure.error_code) == (412, "SourceConditionNotMet")


@operation("batch-container")
def test_a_batch_stays_in_its_container(service, container):
    container.upload_blob("a", b"x")
    other = service.create_container(f"{container.container_name}-other")
    other.upload_blob("a", b"x")
    try:
        name = other.container_name
        account = service.url.rstrip("/").rsplit("/", 1)[1]
        part = f"--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nDELETE /{account}/{name}/a HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
        # The client makes no such batch by itself.
        answer = container._client.container.submit_batch(
            content_length=len(part) + 7, multipart_content_type="multipart/mixed; boundary=b", body=(part + "--b--\r\n").encode())
        text = b"".join(answer)
        assert b"HTTP/1.1 400" in text
        assert other.download_blob("a").readall() == b"x"
    finally:
        other.delete_container()


@operation("version")
def test_a_version_that_is_none(service, container):
    # The client itself insists on its own.
    blob = container.upload_blob("v", b"x")
    with pytest.raises(HTTPError) as failure:
        urlopen(Request(readable(service, blob), headers={"x-ms-version": "nonsense"}))
    assert failure.value.code == 400


@operation("no-keys")
@pytest.mark.ours
def test_keys_of_the_callers(container):
    key = b"k" * 32
    own = CustomerProvidedEncryptionKey(
        base64.b64encode(key).decode(), base64.b64encode(hashlib.sha256(key).digest()).decode())
    # The client sends a key in TLS only; what it would send is refused by name.
    assert own.key_value
    failure = refused(lambda: container.upload_blob("k", b"x", headers={"x-ms-encryption-key": own.key_value}))
    assert failure.status_code == 501 and "customer-provided keys" in failure.message
    failure = refused(lambda: container.upload_blob("k", b"x", encryption_scope="mine"))
    assert failure.status_code == 501 and "encryption scopes" in failure.message
    assert not container.get_blob_client("k").exists()


@operation("no-holds")
@pytest.mark.ours
def test_holds(container):
    failure = refused(lambda: container.upload_blob("k", b"x", legal_hold=True))
    assert failure.status_code == 501 and "legal holds" in failure.message
    blob = container.upload_blob("k", b"x")
    assert refused(lambda: blob.set_legal_hold(True)).status_code == 501


@operation("no-tag-conditions")
@pytest.mark.ours
def test_conditions_on_tags(service, container):
    blob = container.upload_blob("k", b"x", tags={"kind": "csv"})
    failure = refused(lambda: blob.download_blob(if_tags_match_condition="\"kind\" = 'csv'"))
    assert failure.status_code == 501 and "conditions on tags" in failure.message
    failure = refused(lambda: list(service.find_blobs_by_tags("\"kind\" = 'csv'")))
    assert failure.status_code == 501 and "finding blobs by tags" in failure.message

import base64
import hashlib
import uuid

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobClient, ContentSettings

operation = pytest.mark.operation


@operation("put")
def test_put_and_get(container):
    blob = container.upload_blob("a.txt", b"hello")
    download = blob.download_blob()
    assert download.readall() == b"hello" and download.size == 5
    properties = blob.get_blob_properties()
    assert properties.size == 5 and properties.blob_type == "BlockBlob" and properties.etag
    assert properties.content_settings.content_type == "application/octet-stream"
    assert properties.creation_time <= properties.last_modified
    created = properties.creation_time
    blob.upload_blob(b"again", overwrite=True)
    properties = blob.get_blob_properties()
    assert blob.download_blob().readall() == b"again" and properties.creation_time == created


@operation("put-empty")
def test_empty(container):
    blob = container.upload_blob("empty", b"")
    assert blob.get_blob_properties().size == 0
    assert blob.download_blob().readall() == b""


@operation("put-large")
def test_parallel_blocks(storage, container):
    content = b"".join(hashlib.sha256(str(index).encode()).digest() for index in range(200_000))
    client = BlobClient.from_connection_string(
        storage, container.container_name, "large", max_single_put_size=64 * 1024, max_block_size=512 * 1024,
        max_single_get_size=256 * 1024, max_chunk_get_size=512 * 1024,
    )
    with client:
        client.upload_blob(content, max_concurrency=4)
        assert len(client.get_block_list("committed")[0]) == 13
        assert client.download_blob(max_concurrency=4).readall() == content


@operation("put-md5")
def test_md5(container):
    blob = container.get_blob_client("m")
    blob.upload_blob(b"hello", validate_content=True)
    digest = hashlib.md5(b"hello").digest()
    assert bytes(blob.get_blob_properties().content_settings.content_md5) == digest
    assert blob.download_blob(validate_content=True).readall() == b"hello"
    with pytest.raises(HttpResponseError) as refused:
        blob.upload_blob(b"changed", overwrite=True, headers={"Content-MD5": base64.b64encode(digest).decode()})
    assert refused.value.error_code == "Md5Mismatch"
    assert blob.download_blob().readall() == b"hello"


@operation("blocks")
def test_stage_and_commit(container):
    blob = container.get_blob_client("b")
    for block in ["b", "a"]:
        blob.stage_block(block, block.encode() * 3)
    blob.commit_block_list(
        [BlobBlock("a"), BlobBlock("b")], metadata={"m": "1"}, content_settings=ContentSettings(content_type="text/csv"),
    )
    assert blob.download_blob().readall() == b"aaabbb"
    properties = blob.get_blob_properties()
    assert properties.metadata == {"m": "1"} and properties.content_settings.content_type == "text/csv"
    committed, uncommitted = blob.get_block_list("all")
    assert [(block.id, block.size) for block in committed] == [("a", 3), ("b", 3)] and uncommitted == []


@operation("blocks")
def test_ids_of_blocks_need_not_be_text(container):
    blob = container.get_blob_client("b")
    identity = base64.b64encode(bytes([0, 255, 62, 63])).decode()
    blob.stage_block(identity, b"x")
    blob.commit_block_list([BlobBlock(identity)])
    assert blob.download_blob().readall() == b"x"


@operation("blocks-reuse")
def test_keep_committed_blocks(container):
    blob = container.get_blob_client("b")
    for block in ["a", "b"]:
        blob.stage_block(block, block.encode())
    blob.commit_block_list([BlobBlock("a"), BlobBlock("b")])
    blob.stage_block("c", b"c")
    blob.stage_block("b", b"B")
    blob.commit_block_list([BlobBlock("c"), BlobBlock("a"), BlobBlock("b"), BlobBlock("a")])
    assert blob.download_blob().readall() == b"caBa"


@operation("blocks-hidden")
def test_uncommitted(container):
    blob = container.get_blob_client("b")
    blob.stage_block("a", b"a")
    assert not blob.exists()
    with pytest.raises(ResourceNotFoundError):
        blob.download_blob()
    assert [block.id for block in blob.get_block_list("uncommitted")[1]] == ["a"]
    blob.upload_blob(b"put")
    assert blob.get_block_list("all") == ([], [])


@operation("blocks-unknown")
def test_an_unknown_block(container):
    blob = container.get_blob_client("b")
    blob.stage_block("aa", b"a")
    with pytest.raises(HttpResponseError) as refused:
        blob.commit_block_list([BlobBlock("aa"), BlobBlock("bb")])
    assert refused.value.error_code == "InvalidBlockList"
    with pytest.raises(HttpResponseError) as refused:
        blob.stage_block("longer", b"ids of one blob have one length")
    assert refused.value.error_code == "InvalidBlobOrBlock"
    blob.commit_block_list([BlobBlock("aa")])
    assert blob.download_blob().readall() == b"a"


@operation("range")
def test_ranges(container):
    blob = container.upload_blob("r", b"0123456789")
    assert blob.download_blob(offset=2, length=3).readall() == b"234"
    assert blob.download_blob(offset=8, length=100).readall() == b"89"
    assert blob.download_blob(offset=9).readall() == b"9"
    part = blob.download_blob(offset=2, length=3, validate_content=True)
    assert part.readall() == b"234" and part.properties.size == 3


@operation("range-outside")
def test_beyond_the_end(container):
    blob = container.upload_blob("r", b"0123456789")
    with pytest.raises(HttpResponseError) as refused:
        blob.download_blob(offset=10, length=1)
    assert (refused.value.status_code, refused.value.error_code) == (416, "InvalidRange")


@operation("stream-read")
def test_chunks(storage, container):
    content = bytes(index % 251 for index in range(1_000_000))
    container.upload_blob("chunks", content)
    client = BlobClient.from_connection_string(
        storage, container.container_name, "chunks", max_single_get_size=100_000, max_chunk_get_size=100_000,
    )
    with client:
        chunks = list(client.download_blob().chunks())
    assert len(chunks) == 10 and b"".join(chunks) == content


@operation("headers")
def test_content_headers(container):
    blob = container.get_blob_client("h")
    settings = {
        "content_type": "text/csv; charset=utf-8", "content_encoding": "identity", "content_language": "de",
        "content_disposition": 'attachment; filename="x.csv"', "cache_control": "no-store",
    }
    blob.upload_blob(b"x", content_settings=ContentSettings(**settings))
    found = blob.get_blob_properties().content_settings
    assert {key: getattr(found, key) for key in settings} == settings
    blob.set_http_headers(ContentSettings(content_type="text/plain"))
    found = blob.get_blob_properties().content_settings
    assert (found.content_type, found.cache_control) == ("text/plain", None)


@operation("metadata")
def test_metadata(container):
    blob = container.upload_blob("m", b"x", metadata={"one": "1", "two": "with space"})
    assert blob.get_blob_properties().metadata == {"one": "1", "two": "with space"}
    blob.set_blob_metadata({"three": "3"})
    assert blob.get_blob_properties().metadata == {"three": "3"}
    assert blob.download_blob().properties.metadata == {"three": "3"}
    with pytest.raises(HttpResponseError):
        blob.set_blob_metadata({"not-a-name": "1"})


@operation("metadata-case")
def test_case_of_metadata_names(container):
    blob = container.upload_blob("m", b"x", metadata={"AccessionNumber": "A-1", "patientID": "P-1"})
    assert blob.get_blob_properties().metadata == {"AccessionNumber": "A-1", "patientID": "P-1"}
    listed = next(iter(container.list_blobs(include=["metadata"])))
    assert listed.metadata == {"AccessionNumber": "A-1", "patientID": "P-1"}


@operation("tags")
def test_tags(container):
    blob = container.upload_blob("t", b"x", tags={"kind": "csv", "a b": "c/d"})
    assert blob.get_blob_tags() == {"kind": "csv", "a b": "c/d"}
    assert blob.get_blob_properties().tag_count == 2
    blob.set_blob_tags({})
    assert blob.get_blob_tags() == {}


@operation("delete")
def test_delete(container):
    blob = container.upload_blob("d", b"x")
    blob.delete_blob()
    assert not blob.exists()
    with pytest.raises(ResourceNotFoundError) as missing:
        blob.delete_blob()
    assert missing.value.error_code == "BlobNotFound"


@operation("missing")
def test_missing(service, container, name):
    with pytest.raises(ResourceNotFoundError) as missing:
        container.download_blob("nothing")
    assert missing.value.error_code == "BlobNotFound"
    for request in [lambda blob: blob.upload_blob(b"x"), lambda blob: blob.stage_block("a", b"a")]:
        with pytest.raises(ResourceNotFoundError) as missing:
            request(service.get_blob_client(f"{name}-none", "x"))
        assert missing.value.error_code == "ContainerNotFound"


@operation("names")
@pytest.mark.parametrize("unusual", [
    "with space.csv", "grün/Ä ß.csv", "a%20b", "a+b&c=d", "quote'\"", "#hash?mark", "a//b", "tilde~(x)!*", "日本.csv",
    "semi;colon:at@", "<tag>&amp;", "UPPER/lower",
])
def test_unusual_names(container, unusual):
    container.upload_blob(unusual, unusual.encode())
    assert container.download_blob(unusual).readall() == unusual.encode()
    assert [blob.name for blob in container.list_blobs()] == [unusual]
    assert [blob.name for blob in container.list_blobs(name_starts_with=unusual)] == [unusual]
    container.delete_blob(unusual)


@operation("no-append")
@pytest.mark.ours
def test_append_blobs(container):
    with pytest.raises(HttpResponseError) as refused:
        container.get_blob_client("a").create_append_blob()
    assert refused.value.status_code >= 400


@operation("no-pages")
@pytest.mark.ours
def test_page_blobs(container):
    with pytest.raises(HttpResponseError) as refused:
        container.get_blob_client("p").create_page_blob(512)
    assert refused.value.status_code >= 400


@operation("no-snapshots")
@pytest.mark.ours
def test_snapshots(container):
    blob = container.upload_blob("s", uuid.uuid4().bytes)
    with pytest.raises(HttpResponseError) as refused:
        blob.create_snapshot()
    assert refused.value.status_code >= 400

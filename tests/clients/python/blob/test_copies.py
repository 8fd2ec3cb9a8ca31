import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobBlock, ContentSettings, PartialBatchErrorException

from blob_client import readable

operation = pytest.mark.operation


@operation("copy")
def test_copy(container):
    source = container.upload_blob(
        "source", b"content", metadata={"m": "1"}, content_settings=ContentSettings(content_type="text/csv"))
    target = container.get_blob_client("target")
    started = target.start_copy_from_url(source.url)
    assert started["copy_status"] == "success" and started["copy_id"]
    properties = target.get_blob_properties()
    assert properties.metadata == {"m": "1"} and properties.content_settings.content_type == "text/csv"
    assert properties.copy.status == "success" and properties.copy.source.split("?")[0] == source.url
    assert target.download_blob().readall() == b"content"
    target.start_copy_from_url(source.url, metadata={"n": "2"})
    assert target.get_blob_properties().metadata == {"n": "2"}
    with pytest.raises(HttpResponseError) as missing:
        target.start_copy_from_url(f"{source.url}-none")
    assert missing.value.status_code == 404


@operation("copy-conditional")
def test_copy_if_absent(container):
    source = container.upload_blob("source", b"new")
    target = container.upload_blob("target", b"old")
    absent = {"headers": {"If-None-Match": "*"}}
    with pytest.raises(HttpResponseError) as refused:
        target.start_copy_from_url(source.url, **absent)
    assert (refused.value.status_code, refused.value.error_code) == (409, "BlobAlreadyExists")
    container.get_blob_client("free").start_copy_from_url(source.url, **absent)
    assert container.download_blob("free").readall() == b"new"


@operation("copy-from-url")
def test_put_from_url(service, container):
    source = container.upload_blob("source", b"content", content_settings=ContentSettings(content_type="text/csv"))
    target = container.get_blob_client("target")
    target.upload_blob_from_url(readable(service, source))
    assert target.download_blob().readall() == b"content"
    assert target.get_blob_properties().content_settings.content_type == "text/csv"


@operation("block-from-url")
def test_block_from_url(service, container):
    source = container.upload_blob("source", b"0123456789")
    target = container.get_blob_client("target")
    target.stage_block_from_url("a", readable(service, source), source_offset=2, source_length=3)
    target.stage_block("b", b"!")
    target.commit_block_list([BlobBlock("a"), BlobBlock("b")])
    assert target.download_blob().readall() == b"234!"


@operation("batch-delete")
def test_delete_many(container):
    for each in ["a", "b c", "d/ü"]:
        container.upload_blob(each, b"x")
    assert [answer.status_code for answer in container.delete_blobs("a", "b c")] == [202, 202]
    with pytest.raises(PartialBatchErrorException) as partial:
        container.delete_blobs("none", "d/ü")
    assert [answer.status_code for answer in partial.value.parts] == [404, 202]
    assert list(container.list_blob_names()) == []

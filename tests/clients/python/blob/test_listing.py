import pytest
from azure.storage.blob import BlobPrefix

operation = pytest.mark.operation
NAMES = ["a/1.csv", "a/2.csv", "a/b/3.csv", "a.csv", "b/4.csv", "c.csv"]
# By code points, as the service sorts.
SORTED = sorted(NAMES)


@pytest.fixture
def filled(container):
    for each in NAMES:
        container.upload_blob(each, each.encode(), metadata={"n": str(len(each))}, tags={"t": "1"})
    return container


@operation("list")
def test_all_and_by_prefix(filled):
    assert [blob.name for blob in filled.list_blobs()] == SORTED
    assert [blob.name for blob in filled.list_blobs(name_starts_with="a/")] == ["a/1.csv", "a/2.csv", "a/b/3.csv"]
    assert list(filled.list_blobs(name_starts_with="zz")) == []
    first = next(iter(filled.list_blobs()))
    direct = filled.get_blob_client(first.name).get_blob_properties()
    assert (first.size, first.etag, first.last_modified) == (len(first.name), direct.etag.strip('"'), direct.last_modified)
    assert list(filled.list_blob_names()) == SORTED


@operation("list-pages")
def test_pages(filled):
    pages = filled.list_blobs(results_per_page=4).by_page()
    assert [blob.name for blob in next(pages)] == SORTED[:4]
    later = filled.list_blobs(results_per_page=4).by_page(continuation_token=pages.continuation_token)
    assert [blob.name for blob in next(later)] == SORTED[4:]
    assert not later.continuation_token


@operation("list-folders")
def test_folders(filled):
    def walk(prefix):
        # The client puts folders before files, whatever the order of the answer.
        found = [(type(each) is BlobPrefix, each.name) for each in filled.walk_blobs(prefix, delimiter="/")]
        return sorted(found, key=lambda each: each[1])

    assert walk("") == [(False, "a.csv"), (True, "a/"), (True, "b/"), (False, "c.csv")]
    assert walk("a/") == [(False, "a/1.csv"), (False, "a/2.csv"), (True, "a/b/")]


@operation("list-details")
def test_details(filled):
    for blob in filled.list_blobs(include=["metadata", "tags"]):
        assert blob.metadata == {"n": str(len(blob.name))} and blob.tags == {"t": "1"}
    assert next(iter(filled.list_blobs())).metadata in (None, {})


@operation("list-uncommitted")
def test_uncommitted(filled):
    filled.get_blob_client("new").stage_block("a", b"a")
    assert "new" not in list(filled.list_blob_names())
    assert "new" in [blob.name for blob in filled.list_blobs(include=["uncommittedblobs"])]

from datetime import timedelta

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError
from azure.storage.blob import BlobBlock, BlobLeaseClient

from conftest import until

operation = pytest.mark.operation


def code(request):
    with pytest.raises(HttpResponseError) as refused:
        request()
    return refused.value.status_code, refused.value.error_code


@operation("create-only")
def test_only_if_absent(container):
    blob = container.upload_blob("x", b"first")
    with pytest.raises(ResourceExistsError) as refused:
        blob.upload_blob(b"second")
    assert (refused.value.status_code, refused.value.error_code) == (409, "BlobAlreadyExists")
    blob.stage_block("a", b"a")
    absent = {"headers": {"If-None-Match": "*"}}
    assert code(lambda: blob.commit_block_list([BlobBlock("a")], **absent)) == (409, "BlobAlreadyExists")
    assert blob.download_blob().readall() == b"first"


@operation("replace-only")
def test_only_if_unchanged(container):
    blob = container.upload_blob("x", b"first")
    etag = blob.get_blob_properties().etag
    same = {"etag": etag, "match_condition": MatchConditions.IfNotModified, "overwrite": True}
    blob.upload_blob(b"second", **same)
    with pytest.raises(ResourceModifiedError) as refused:
        blob.upload_blob(b"third", **same)
    assert (refused.value.status_code, refused.value.error_code) == (412, "ConditionNotMet")
    conditions = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
    assert code(lambda: blob.set_blob_metadata({"a": "1"}, **conditions)) == (412, "ConditionNotMet")
    assert code(lambda: blob.download_blob(**conditions)) == (412, "ConditionNotMet")
    assert blob.download_blob().readall() == b"second"


@operation("read-if-changed")
def test_read_if_changed(container):
    blob = container.upload_blob("x", b"first")
    etag = blob.get_blob_properties().etag
    changed = {"etag": etag, "match_condition": MatchConditions.IfModified}
    assert code(lambda: blob.download_blob(**changed))[0] == 304
    blob.upload_blob(b"second", overwrite=True)
    assert blob.download_blob(**changed).readall() == b"second"


@operation("if-time")
def test_by_time(container):
    blob = container.upload_blob("x", b"first")
    modified = blob.get_blob_properties().last_modified
    assert code(lambda: blob.download_blob(if_modified_since=modified))[0] == 304
    assert blob.download_blob(if_unmodified_since=modified).readall() == b"first"
    earlier = modified - timedelta(minutes=1)
    assert code(lambda: blob.upload_blob(b"x", overwrite=True, if_unmodified_since=earlier)) == (412, "ConditionNotMet")


@operation("delete-if")
def test_delete_if_unchanged(container):
    blob = container.upload_blob("x", b"first")
    old = blob.get_blob_properties().etag
    blob.upload_blob(b"second", overwrite=True)
    unchanged = {"match_condition": MatchConditions.IfNotModified}
    assert code(lambda: blob.delete_blob(etag=old, **unchanged)) == (412, "ConditionNotMet")
    blob.delete_blob(etag=blob.get_blob_properties().etag, **unchanged)


@operation("lease")
def test_the_life_of_a_lease(container):
    blob = container.upload_blob("x", b"1")
    lease = blob.acquire_lease(lease_duration=15)
    properties = blob.get_blob_properties().lease
    assert (properties.state, properties.status, properties.duration) == ("leased", "locked", "fixed")
    assert code(lambda: BlobLeaseClient(blob).acquire(15)) == (409, "LeaseAlreadyPresent")
    lease.renew()
    other = "5a3d1e70-0000-4000-8000-000000000099"
    lease.change(other)
    assert lease.id == other
    lease.release()
    assert blob.get_blob_properties().lease.state == "available"
    again = BlobLeaseClient(blob, "5a3d1e70-0000-4000-8000-000000000097")
    assert code(again.renew) == (409, "LeaseIdMismatchWithLeaseOperation")
    forever = blob.acquire_lease()
    assert blob.get_blob_properties().lease.duration == "infinite"
    forever.release()


@operation("lease-guards")
def test_a_lease_guards(container):
    blob = container.upload_blob("x", b"1")
    lease = blob.acquire_lease()
    assert code(lambda: blob.upload_blob(b"2", overwrite=True)) == (412, "LeaseIdMissing")
    assert code(lambda: blob.delete_blob()) == (412, "LeaseIdMissing")
    stranger = "5a3d1e70-0000-4000-8000-000000000098"
    assert code(lambda: blob.upload_blob(b"2", overwrite=True, lease=stranger)) == (412, "LeaseIdMismatchWithBlobOperation")
    assert blob.download_blob().readall() == b"1"
    blob.upload_blob(b"2", overwrite=True, lease=lease)
    blob.delete_blob(lease=lease)
    free = container.upload_blob("y", b"1")
    assert code(lambda: free.upload_blob(b"2", overwrite=True, lease=stranger)) == (412, "LeaseNotPresentWithBlobOperation")


@operation("lease-break")
def test_break(container):
    blob = container.upload_blob("x", b"1")
    lease = blob.acquire_lease(lease_duration=60)
    assert lease.break_lease(lease_break_period=1) <= 1
    until(lambda: blob.get_blob_properties().lease.state == "broken")
    blob.upload_blob(b"2", overwrite=True)
    assert code(lease.renew)[0] == 409
    again = blob.acquire_lease(lease_duration=15)
    assert again.break_lease(lease_break_period=0) == 0

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

operation = pytest.mark.operation


@operation("container")
def test_create_and_delete(service, name):
    client = service.create_container(name, metadata={"kind": "test"})
    properties = client.get_container_properties()
    assert client.exists() and properties.name == name and properties.metadata == {"kind": "test"}
    assert properties.etag and properties.last_modified and properties.lease.state == "available"
    client.delete_container()
    assert not client.exists()
    with pytest.raises(ResourceNotFoundError) as missing:
        client.get_container_properties()
    assert missing.value.error_code == "ContainerNotFound"


@operation("container-again")
def test_create_twice(service, container):
    with pytest.raises(ResourceExistsError) as refused:
        service.create_container(container.container_name)
    assert refused.value.error_code == "ContainerAlreadyExists"


@operation("container-again")
@pytest.mark.parametrize("name", ["A", "no", "-x-", "x--y", "x" * 64, "under_score"])
def test_names_that_cannot_be(service, name):
    with pytest.raises(HttpResponseError) as refused:
        service.create_container(name)
    assert refused.value.status_code == 400


@operation("container-metadata")
def test_metadata(container):
    before = container.get_container_properties().etag
    container.set_container_metadata({"one": "1", "two": "zwei"})
    after = container.get_container_properties()
    assert after.metadata == {"one": "1", "two": "zwei"} and after.etag != before


@operation("container-list")
def test_list(service, name):
    names = [f"{name}-{index}" for index in range(5)]
    clients = [service.create_container(each, metadata={"n": each}) for each in names]
    pages = service.list_containers(name_starts_with=name, include_metadata=True, results_per_page=2).by_page()
    pages = [[(found.name, found.metadata) for found in page] for page in pages]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sum(pages, []) == [(each, {"n": each}) for each in names]
    for client in clients:
        client.delete_container()


@operation("container-lease")
def test_lease(container):
    lease = container.acquire_lease(lease_duration=15)
    with pytest.raises(HttpResponseError) as refused:
        container.delete_container()
    assert refused.value.error_code == "LeaseIdMissing"
    container.upload_blob("free", b"blobs are not guarded by it")
    lease.renew()
    lease.release()
    assert container.get_container_properties().lease.state == "available"

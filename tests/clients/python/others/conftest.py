import pytest

from host import parts


@pytest.fixture(scope="session")
def account(host):
    """The storage account as programs without Microsoft's library take it: name, key and address."""
    fields = parts(host.storage)
    return fields["AccountName"], fields["AccountKey"], fields["BlobEndpoint"].rstrip("/")


@pytest.fixture
def container(host, name):
    """The name of a new, empty container."""
    from azure.storage.blob import BlobServiceClient

    with BlobServiceClient.from_connection_string(host.storage) as service:
        service.create_container(name)
        yield name
        service.delete_container(name)

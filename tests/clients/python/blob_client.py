"""The Blob client as the tests use it."""

from datetime import datetime, timedelta, timezone

from azure.storage.blob import BlobSasPermissions, generate_blob_sas


def readable(service, blob):
    """The blob's address with a signature to read it."""
    token = generate_blob_sas(
        service.account_name, blob.container_name, blob.blob_name, account_key=service.credential.account_key,
        permission=BlobSasPermissions(read=True), expiry=datetime.now(timezone.utc) + timedelta(hours=1),
    )
    return f"{blob.url}?{token}"

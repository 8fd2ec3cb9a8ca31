"""pyarrow's file system: Azure's C++ library."""

from urllib.parse import urlparse

import pytest
from pyarrow import fs

operation = pytest.mark.operation


@pytest.fixture(scope="module")
def files(account):
    name, key, endpoint = account
    address = urlparse(endpoint)
    return fs.AzureFileSystem(
        name, account_key=key, blob_storage_authority=address.netloc, blob_storage_scheme=address.scheme,
        dfs_storage_authority=address.netloc, dfs_storage_scheme=address.scheme,
    )


def put(files, path, content):
    with files.open_output_stream(path) as stream:
        stream.write(content)


@operation("other-put")
def test_write_and_read(files, container):
    content = bytes(index % 251 for index in range(3_000_000))
    put(files, f"{container}/folder/large", content)
    with files.open_input_stream(f"{container}/folder/large") as stream:
        assert stream.read() == content
    with files.open_input_file(f"{container}/folder/large") as file:
        assert file.size() == len(content)
        file.seek(1000)
        assert file.read(5) == content[1000:1005]


@operation("other-missing")
def test_what_is_not_there(files, container):
    found = files.get_file_info([f"{container}/none", f"{container}none/x"])
    assert [each.type for each in found] == [fs.FileType.NotFound, fs.FileType.NotFound]
    with pytest.raises(FileNotFoundError):
        files.open_input_file(f"{container}/none")


@operation("other-list")
def test_list(files, container):
    for path in ["a", "folder/b", "folder/deeper/c"]:
        put(files, f"{container}/{path}", b"x")
    found = files.get_file_info(fs.FileSelector(container, recursive=True))
    kinds = {each.path.split("/", 1)[1]: each.type for each in found}
    assert kinds == {
        "a": fs.FileType.File, "folder": fs.FileType.Directory, "folder/b": fs.FileType.File,
        "folder/deeper": fs.FileType.Directory, "folder/deeper/c": fs.FileType.File,
    }


@operation("other-delete")
def test_copy_and_delete(files, container):
    put(files, f"{container}/a", b"x")
    files.copy_file(f"{container}/a", f"{container}/b")
    files.delete_file(f"{container}/a")
    found = files.get_file_info(fs.FileSelector(container))
    assert [each.base_name for each in found] == ["b"]

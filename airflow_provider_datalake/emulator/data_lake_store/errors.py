"""Failures of the file system, as the service names them."""

from __future__ import annotations

SUCCESS = "0x0"
NOT_FOUND = "0x8309000A"
ACCESS_DENIED = "0x83090AA2"
BAD_OFFSET = "0x83090015"
# The service's own codes for these are not known; this is Windows' code for an invalid argument.
INVALID_ARGUMENT = "0x80070057"


class StoreError(Exception):
    """
    A request that is answered with an error.

    :param status: HTTP status; never 5xx, which clients retry for minutes
    :param exception: name of the Java exception, which clients look at
    :param message: what was given, what was expected and what to do
    :param code: the ``Status`` header
    :param package: package of the Java exception
    """

    def __init__(
        self,
        status: int,
        exception: str,
        message: str,
        *,
        code: str = INVALID_ARGUMENT,
        package: str = "java.io",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.exception = exception
        self.message = message
        self.code = code
        self.java_class = f"{package}.{exception}"


def not_found(path: str) -> StoreError:
    """
    Say that there is nothing at a path.

    :param path: the absolute path
    :return: the error to raise
    """
    message = f"File/Folder does not exist: {path}"
    return StoreError(404, "FileNotFoundException", message, code=NOT_FOUND)


def denied(operation: str) -> StoreError:
    """
    Refuse what an access control list does not allow; does not tell whether the path exists.

    :param operation: the operation's name on the wire
    :return: the error to raise
    """
    message = (
        f"{operation} failed with error 0x83090aa2 (Forbidden. ACL verification failed. Either the resource "
        "does not exist or the user is not authorized to perform the requested operation.)."
    )
    return StoreError(
        403,
        "AccessControlException",
        message,
        code=ACCESS_DENIED,
        package="org.apache.hadoop.security",
    )


def bad_offset() -> StoreError:
    """
    Refuse bytes that do not follow the file's last one.

    :return: the error to raise
    """
    message = "APPEND failed with error 0x83090015 (Bad request. Invalid offset.)."
    return StoreError(400, "BadOffsetException", message, code=BAD_OFFSET, package="org.apache.hadoop.fs.adl")


def invalid(message: str) -> StoreError:
    """
    Refuse a request whose content is wrong.

    :param message: what was given and what was expected
    :return: the error to raise
    """
    return StoreError(400, "IllegalArgumentException", message, package="java.lang")


def unsupported(message: str) -> StoreError:
    """
    Refuse what the service or the emulator does not have.

    :param message: names it
    :return: the error to raise
    """
    return StoreError(400, "UnsupportedOperationException", message, package="java.lang")


def already_exists(path: str, what: str = "a file") -> StoreError:
    """
    Refuse to write over something.

    :param path: the absolute path
    :param what: what is there
    :return: the error to raise
    """
    message = f"There is already {what} at {path}"
    return StoreError(403, "FileAlreadyExistsException", message, package="org.apache.hadoop.fs")


def not_a_folder(path: str) -> StoreError:
    """
    Refuse a path that leads through a file.

    :param path: the path of the file
    :return: the error to raise
    """
    message = f"{path} is a file, not a folder"
    return StoreError(403, "ParentNotDirectoryException", message, package="org.apache.hadoop.fs")


def not_empty(path: str) -> StoreError:
    """
    Refuse to delete a folder that holds something, unless asked to delete that too.

    :param path: the folder
    :return: the error to raise
    """
    message = f"{path} is not empty; delete it with recursive=true"
    return StoreError(403, "PathIsNotEmptyDirectoryException", message, package="org.apache.hadoop.fs")


def leased(path: str) -> StoreError:
    """
    Refuse to write to a file that another client writes to.

    :param path: the file
    :return: the error to raise
    """
    message = f"{path} is open for writing under another lease"
    return StoreError(403, "AlreadyBeingCreatedException", message, package="org.apache.hadoop.hdfs.protocol")


def unknown_account(account: str) -> StoreError:
    """
    Say that a store does not exist; the name of a real store would not resolve.

    :param account: the name that was given
    :return: the error to raise
    """
    message = f"There is no Data Lake Store account {account!r} in this emulator"
    return StoreError(404, "AccountNotFoundException", message, code=NOT_FOUND)

"""PyODPS's compiled encoder, decoder and checksum, which make the record wire fast and exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_datalake.emulator.maxcompute.tunnel.compression import Readable

# Each function imports the package itself first: two threads that begin with different modules of it at the
# same time would wait for each other, and Python then hands one of them a half-made module.


def new_checksum() -> Any:
    """
    Start a CRC32C.

    :return: PyODPS's ``Checksum``: ``update(bytes)``, ``update_int``, ``update_long``, ``getvalue``, ...
    """
    import odps  # noqa: F401
    from odps.tunnel.checksum_c import Checksum

    return Checksum()


def new_decoder(source: Readable) -> Any:
    """
    Start to decode a stream.

    :param source: its bytes
    :return: PyODPS's ``Decoder``: ``read_field_number()``, ``read_sint64()``, ``read_string()``, ...
    """
    import odps  # noqa: F401
    from odps.tunnel.pb.decoder_c import Decoder

    return Decoder(source)


def new_encoder() -> Any:
    """
    Start to encode a stream.

    :return: PyODPS's ``Encoder``: ``append_tag()``, ``append_sint64()``, ..., ``tostring()``
    """
    import odps  # noqa: F401
    from odps.tunnel.pb.encoder_c import Encoder

    return Encoder()

"""
Data Lake Store Gen1: files behind the WebHDFS protocol.

What was decided where the service's behaviour is not known, or where an emulator has a choice:

* A file's bytes are an ordinary file below ``stores/{account}/files``, or several for one that was joined.
  Their names say nothing about its path; paths, owners and rights are rows of ``stores/stores.db``. So every
  change, be it the renaming of a tree or the results of a whole job, is one transaction, joining large files
  copies nothing, and no name of a file can be a trick.
* Names of files differ by case, as on the service. Slashes at the ends of a path do not count; empty names,
  ``.``, ``..``, backslashes, control characters and what is not UTF-8 are refused.
* A file that was written with ``syncFlag=CLOSE``, the default, is on disk when the answer is sent. With
  ``DATA`` and ``METADATA`` its bytes survive the end of the process, but perhaps not that of the machine.
  Nobody ever sees a part of an append: a row says how many bytes are committed.
* A lease keeps others from appending until the file is closed, or its writer is silent for a minute.
  Who replaces the file takes it over.
* MSCONCAT removes folders that it has emptied, even with ``deleteSourceDirectory=false``: the service was
  recorded doing so.
* Any ``api-version`` will do, and there are no redirections: bytes are taken and given at once.
* Owners and groups are kept by id. Any id will do; a name must be known to the directory. Answers give ids
  unless ``tooId`` is false.
"""

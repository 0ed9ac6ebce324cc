"""
ML Studio (classic): the datasets and the experiments' outputs of workspaces.

What was decided where the service's behaviour is not known, or where an emulator has a choice:

* Contents are ordinary files below ``ml_studio/contents``, one for each version of a dataset; all else is
  rows of ``ml_studio/studio.db``. A dataset is visible once its row is committed, and not before.
* Blocks of an upload are written to their place in one file; the file becomes the contents when the dataset
  is made. An upload survives a restart of the emulator, and is dropped a day after its last block.
* An upload becomes one dataset: who asks again with its id is answered with 409, as for a name in use.
  Names are unique in the list that a client sees, so the examples' names are in use as well.
* ``POST /api/resourceuploads`` with a body takes all contents at once, as the service's clients for R and
  PowerShell send them. ``DELETE /api/workspaces/{workspace}/datasources/family/{id}``, the users and the
  invitations are the PowerShell client's.
* Old versions can be read by their ids until their family is deleted. ``ServiceVersion`` counts them, from 0.
* Text is served with ``charset=utf-8``, so that clients need not guess.
* Wrong tokens and unknown workspaces are answered with 401 alike.
* An address of contents is good for :data:`~.signatures.LIFETIME_SECONDS`, for one file and for reading
  only; a new token does not revoke it, as with storage accounts.

What the service has no calls for, with the token of the workspace:

* ``PUT /api/workspaces/{workspace}/experiments/{id}`` with a JSON object stores an experiment,
  ``PUT /api/workspaces/{workspace}/experiments/{id}/outputdata/{node}/{port}[?dataTypeId=GenericCSV]`` what
  one of its nodes has given, ``DELETE`` of an experiment removes both.
* ``POST /api/workspaces/{workspace}/authorizationtokens/primary`` (or ``secondary``) makes a new token; the
  old one stops at once. The answer has both.
* ``PUT /api/workspaces/{workspace}/users/{name}`` with ``{"Role": "Owner"}`` or ``"User"``, and ``DELETE``.

A further workspace is made with ``PUT /api/workspaces/{workspace}`` and the bearer token of the emulator's
owner. With the bearer token of a user of the directory, ``GET /api/workspaces/{workspace}`` shows the
authorization tokens to owners of the workspace only.

Experiments can be put into a folder, too: ``ml_studio/experiments`` in the data directory. It is read at
every request, and has

    {experiment}/experiment.json          optional: Description, Creator, Status ... as the service names them
    {experiment}/{node}/{port}.{suffix}   what a node has given; the suffix tells the format

These belong to the configured workspace; the id is ``{workspace}.f-id.{experiment}`` unless the file says
another ``ExperimentId``. Suffixes are ``csv``, ``tsv``, ``nh.csv``, ``nh.tsv`` (no header), ``txt`` and
``arff``. What cannot be in a file's name is percent-encoded.
"""

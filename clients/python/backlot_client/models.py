"""What goes over the wire, as generated from the OpenAPI document, with short names for what is used most."""

from backlot_client._generated import models as _models
from backlot_client._generated.models import *  # noqa: F403

Task = _models.TaskRead
TaskPage = _models.PageTaskRead
Asset = _models.AssetRead
AssetPage = _models.PageAssetRead
Batch = _models.BatchRead

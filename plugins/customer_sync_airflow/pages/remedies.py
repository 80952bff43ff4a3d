"""What a person does about each reason, in the words of a connector's own source."""

from collections.abc import Mapping

from customer_sync.errors import ConfigError
from customer_sync.model.outcome import Reason, remedy
from customer_sync.settings.connector_file import find_connector


def remedies_of(connector_id: str) -> Mapping[str, str]:
    """Reason -> remedy; of a connector whose file is gone or wrong, fields bear their neutral names."""
    try:
        words = find_connector(connector_id).source.words
    except ConfigError:
        words = {}
    return {str(reason): remedy(reason, words) for reason in Reason}

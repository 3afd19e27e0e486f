"""The act of support that downloads a user's data, for the user who cannot do it on the page "Your data"."""

from django.http import FileResponse, HttpResponseBase
from django.utils import timezone

from accounts import personal_data
from accounts.models import Event
from accounts.support.act import Act, Finish, Subject


def _export(subject: Subject) -> Finish:
    def download() -> HttpResponseBase:
        name = f"conveyor-data-{subject.person.pk}-{timezone.now():%Y-%m-%d}.zip"
        return FileResponse(personal_data.archive(subject.person), as_attachment=True, filename=name)

    return download


EXPORT = Act(
    "export",
    "Export the data",
    "export_data",
    (
        "You download one zip file with everything that Conveyor stores about the user. It has no tokens and no other "
        "secrets.",
        "Send it to the user only, and delete your copy.",
    ),
    "downloaded the data of your account, to send it to you",
    _export,
    event=Event.Kind.EXPORT,
)

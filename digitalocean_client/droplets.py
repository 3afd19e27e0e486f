"""The endpoints that list droplets and read one. Each raises a `DigitalOceanError` and is safe in any thread."""

from digitalocean_client import api
from digitalocean_client.decoding import single_object
from digitalocean_client.lists import ListPage, list_page
from digitalocean_client.schema import Droplet, ListedDroplet


def droplets_page(token: str, *, page: int, gpus: bool, deadline: float) -> ListPage[ListedDroplet]:
    """Page `page`, from 1, of a team's droplets: the GPU droplets where `gpus` is true, else all others.

    Page numbers are counted here: an address taken from an answer could send the token to another host.
    """
    params: dict[str, str | int] = {"page": page, "per_page": api.PER_PAGE}
    if gpus:
        params["type"] = "gpus"
    answer = api.get(token, "/droplets", params=params, deadline=deadline)
    return list_page(answer, "droplets", ListedDroplet, needs_total=True)


def droplet(token: str, droplet_id: int, *, deadline: float) -> Droplet:
    """One droplet, with or without GPUs. Raises `NotFound` where the team has no droplet of that id."""
    answer = api.get(token, f"/droplets/{droplet_id}", deadline=deadline)
    found = single_object(answer, "droplet", Droplet)
    if found.id != droplet_id:
        raise answer.unexpected("another droplet than was asked for")
    return found

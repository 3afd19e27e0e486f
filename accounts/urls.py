from django.urls import path, re_path

from accounts import lost_phone, passkeys, views
from accounts.support import act_views

app_name = "accounts"

urlpatterns = [
    # These four replace allauth's pages of the same path. Templates use allauth's names for them.
    path("3rdparty/", views.connections, name="connections"),
    re_path(r"^confirm-email/(?P<key>[-:\w]+)/$", views.ConfirmEmail.as_view(), name="confirm_email"),
    path("2fa/webauthn/login/", passkeys.LoginWithPasskey.as_view(), name="log_in_with_passkey"),
    path("2fa/webauthn/reauthenticate/", passkeys.ReauthenticateWithPasskey.as_view(), name="confirm_with_passkey"),
    path("connections/<uuid:pk>/reconnect/", views.reconnect, name="reconnect"),
    path("connections/<uuid:pk>/act/", views.allow_acting, name="allow_acting"),
    path("connections/<uuid:pk>/disconnect/", views.disconnect, name="disconnect"),
    path("connections/<uuid:pk>/sign-in/", views.sign_in, name="sign_in"),
    path("settings/", views.settings, name="settings"),
    path("delete/", views.delete, name="delete"),
    path("view-as/end/", act_views.end_view, name="end_view"),
    path("lost-phone/", lost_phone.ask, name="lost_phone"),
    path("lost-phone/finish/<str:key>/", lost_phone.finish, name="lost_phone_finish"),
    path("lost-phone/stop/<str:key>/", lost_phone.stop, name="lost_phone_stop"),
]

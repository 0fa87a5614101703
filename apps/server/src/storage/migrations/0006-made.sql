-- A mark on a credential may also end what was made with it and is not its child: keys of devices and applications.

alter table revocation drop constraint revocation_ends_check;
alter table revocation add constraint revocation_ends_check check (ends in ('people', 'programs', 'devices', 'made'));

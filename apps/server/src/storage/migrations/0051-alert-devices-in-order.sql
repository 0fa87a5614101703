-- The hundred devices that an alert names are the first of this, however many it is about.
create index on alert_device (org, alert, (ended_at is not null), since, device);

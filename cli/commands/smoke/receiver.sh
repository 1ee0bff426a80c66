# Prints the body of each request that comes to /cgi-bin/alerts.
mkdir -p /tmp/www/cgi-bin
touch /tmp/bodies
cat >/tmp/www/cgi-bin/alerts <<'CGI'
#!/bin/sh
cat >>/tmp/bodies
echo >>/tmp/bodies
printf 'Content-Type: text/plain\n\n'
CGI
chmod +x /tmp/www/cgi-bin/alerts
httpd -p 8080 -h /tmp/www
exec tail -f /tmp/bodies

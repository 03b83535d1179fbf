/* The floor of a FastCGI worker: prepared responses, sent by a fixed number of threads.
 *
 * usage: responder SOCKET THREADS MANIFEST-FILE MANIFEST-DIGEST
 *
 * A request whose URI contains "/blobs/sha256:" gets the headers of a cached blob with X-Accel-Redirect to its path; any
 * other gets the manifest. Nothing is looked up, so the additional cost of the worker is that of its decisions.
 */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int listener;
static char manifest_answer[1 << 20];
static int manifest_length;

static const char common[] =
    "Docker-Distribution-Api-Version: registry/2.0\r\n"
    "X-Request-Id: 00000000000000000000000000000000\r\n"
    "Cache-Status: regproxy; hit; detail=stored\r\n"
    "X-Cache: HIT\r\n";

static void *serve(void *unused) {
  (void)unused;
  FCGX_Request request;
  FCGX_InitRequest(&request, listener, 0);
  while (FCGX_Accept_r(&request) == 0) {
    const char *uri = FCGX_GetParam("REQUEST_URI", request.envp);
    const char *digest = uri != NULL ? strstr(uri, "/blobs/sha256:") : NULL;
    if (digest != NULL) {
      const char *hex = digest + strlen("/blobs/sha256:");
      char answer[2048];
      int length = snprintf(answer, sizeof answer,
                            "Status: 200 OK\r\nContent-Type: application/octet-stream\r\n"
                            "Docker-Content-Digest: sha256:%.64s\r\nCache-Control: max-age=31536000, immutable\r\n%s"
                            "X-Accel-Redirect: /_regproxy_store/sha256/%.2s/%.64s\r\n\r\n",
                            hex, common, hex, hex);
      FCGX_PutStr(answer, length, request.out);
    } else {
      FCGX_PutStr(manifest_answer, manifest_length, request.out);
    }
    FCGX_Finish_r(&request);
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: responder SOCKET THREADS MANIFEST-FILE MANIFEST-DIGEST\n");
    return 64;
  }
  FILE *file = fopen(argv[3], "rb");
  if (file == NULL) {
    perror(argv[3]);
    return 66;
  }
  static char manifest[1 << 19];
  size_t size = fread(manifest, 1, sizeof manifest, file);
  fclose(file);
  manifest_length = snprintf(manifest_answer, sizeof manifest_answer,
                             "Status: 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\n"
                             "Docker-Content-Digest: %s\r\nContent-Length: %zu\r\n%s\r\n",
                             argv[4], size, common);
  memcpy(manifest_answer + manifest_length, manifest, size);
  manifest_length += (int)size;

  FCGX_Init();
  listener = FCGX_OpenSocket(argv[1], 1024);
  chmod(argv[1], 0666);
  int threads = atoi(argv[2]);
  for (int i = 1; i < threads; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, NULL) != 0) return 71;
  }
  serve(NULL);
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* Linked into tests that load a Vulkan driver when a sanitizer watches: libraries stay loaded, so
 * that what a driver keeps to the end is no leak of ours and can still be told by name. */
int dlclose(void *handle);

int dlclose(void *handle)
{
    (void)handle;
    return 0;
}

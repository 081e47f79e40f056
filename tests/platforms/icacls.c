// Stands in for icacls.exe, which does nothing in Wine: records what it is told, and shows who may use a file as a directory in which
// all users may write would.
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

static const wchar_t LIST[] = L"name\r\nD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)(A;ID;0x1301bf;;;AU)\r\n";

int wmain(int count, wchar_t **words) {
    FILE *record = _wfopen(_wgetenv(L"ICACLS_RECORD"), L"a");
    for (int at = 1; at < count; at++)
        fprintf(record, "%ls%c", words[at], at + 1 < count ? '\t' : '\n');
    fclose(record);
    if (count == 4 && !wcscmp(words[2], L"/save")) {
        FILE *saved = _wfopen(words[3], L"wb");
        fwrite(LIST, 2, wcslen(LIST), saved);
        fclose(saved);
    }
    return 0;
}

#include "support/fault_vfs.hpp"

#include <new>
#include <sqlite3.h>

namespace loom::tests {

struct FaultVfs::Files {
    sqlite3_vfs vfs{};
    sqlite3_vfs* real = nullptr;
    FaultVfs* owner = nullptr;
    Kind kind = Kind::error;
    std::size_t calls = 0, first = 0, last = 0; ///< first 0: nothing fails
    bool failed = false;

    /// The code that this call of such a kind ends with, or SQLITE_OK.
    int fault(Kind of, int code) {
        if (first == 0 || of != kind) return SQLITE_OK;
        ++calls;
        if (calls < first || calls > last) return SQLITE_OK;
        failed = true;
        return code;
    }
    void changing() const {
        if (owner->before_change) owner->before_change();
    }
};

namespace {

using Kind = FaultVfs::Kind;

/// Followed by the real file.
struct File {
    sqlite3_file base;
    void* files;
};

sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1); }

} // namespace

/// What SQLite calls. Each asks for a fault, then does what the real one does.
template <class Files>
struct Calls {
    static Files& of(sqlite3_file* file) { return *static_cast<Files*>(reinterpret_cast<File*>(file)->files); }
    static Files& of(sqlite3_vfs* vfs) { return *static_cast<Files*>(vfs->pAppData); }

    static int close(sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); }
    static int read(sqlite3_file* file, void* into, int bytes, sqlite3_int64 at) {
        if (const int code = of(file).fault(Kind::error, SQLITE_IOERR_READ)) return code;
        return real(file)->pMethods->xRead(real(file), into, bytes, at);
    }
    static int write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 at) {
        of(file).changing();
        if (const int code = of(file).fault(Kind::error, SQLITE_IOERR_WRITE)) return code;
        if (const int code = of(file).fault(Kind::full, SQLITE_FULL)) return code;
        return real(file)->pMethods->xWrite(real(file), from, bytes, at);
    }
    static int truncate(sqlite3_file* file, sqlite3_int64 size) {
        of(file).changing();
        if (const int code = of(file).fault(Kind::error, SQLITE_IOERR_TRUNCATE)) return code;
        return real(file)->pMethods->xTruncate(real(file), size);
    }
    static int sync(sqlite3_file* file, int flags) {
        of(file).changing();
        if (const int code = of(file).fault(Kind::error, SQLITE_IOERR_FSYNC)) return code;
        return real(file)->pMethods->xSync(real(file), flags);
    }
    static int size(sqlite3_file* file, sqlite3_int64* bytes) {
        if (const int code = of(file).fault(Kind::error, SQLITE_IOERR_FSTAT)) return code;
        return real(file)->pMethods->xFileSize(real(file), bytes);
    }
    static int lock(sqlite3_file* file, int level) {
        if (const int code = of(file).fault(Kind::error, SQLITE_IOERR_LOCK)) return code;
        if (const int code = of(file).fault(Kind::busy, SQLITE_BUSY)) return code;
        return real(file)->pMethods->xLock(real(file), level);
    }
    static int unlock(sqlite3_file* file, int level) { return real(file)->pMethods->xUnlock(real(file), level); }
    static int reserved(sqlite3_file* file, int* held) { return real(file)->pMethods->xCheckReservedLock(real(file), held); }
    static int control(sqlite3_file* file, int what, void* with) { return real(file)->pMethods->xFileControl(real(file), what, with); }
    static int sector(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
    static int traits(sqlite3_file* file) { return real(file)->pMethods->xDeviceCharacteristics(real(file)); }
    static int shm_map(sqlite3_file* file, int page, int bytes, int extend, void volatile** at) {
        if (const int code = of(file).fault(Kind::error, SQLITE_IOERR_SHMMAP)) return code;
        return real(file)->pMethods->xShmMap(real(file), page, bytes, extend, at);
    }
    static int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
        const bool takes = (flags & SQLITE_SHM_LOCK) != 0;
        if (const int code = takes ? of(file).fault(Kind::error, SQLITE_IOERR_SHMLOCK) : SQLITE_OK) return code;
        if (const int code = takes ? of(file).fault(Kind::busy, SQLITE_BUSY) : SQLITE_OK) return code;
        return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
    }
    static void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
    static int shm_unmap(sqlite3_file* file, int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); }

    static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
        static const sqlite3_io_methods methods = {2,       close,    read,    write,  truncate, sync,    size,    lock,        unlock,
                                                   reserved, control, sector,  traits, shm_map,  shm_lock, shm_barrier, shm_unmap,
                                                   nullptr, nullptr};
        file->pMethods = nullptr;
        auto& files = of(vfs);
        if (const int code = files.fault(Kind::error, SQLITE_CANTOPEN)) return code;
        reinterpret_cast<File*>(file)->files = &files;
        const int code = files.real->xOpen(files.real, name, real(file), flags, out);
        if (real(file)->pMethods) file->pMethods = &methods;
        return code;
    }
    static int remove(sqlite3_vfs* vfs, const char* name, int sync) {
        of(vfs).changing();
        if (const int code = of(vfs).fault(Kind::error, SQLITE_IOERR_DELETE)) return code;
        return of(vfs).real->xDelete(of(vfs).real, name, sync);
    }
    static int access(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
        if (const int code = of(vfs).fault(Kind::error, SQLITE_IOERR_ACCESS)) return code;
        return of(vfs).real->xAccess(of(vfs).real, name, flags, result);
    }
};

FaultVfs::FaultVfs() : files_(std::make_unique<Files>()) {
    auto& files = *files_;
    files.owner = this;
    files.real = sqlite3_vfs_find(nullptr);
    files.vfs = *files.real;
    files.vfs.pNext = nullptr;
    files.vfs.zName = "faults";
    files.vfs.pAppData = &files;
    files.vfs.szOsFile = static_cast<int>(sizeof(File)) + files.real->szOsFile;
    files.vfs.xOpen = Calls<Files>::open;
    files.vfs.xDelete = Calls<Files>::remove;
    files.vfs.xAccess = Calls<Files>::access;
    if (sqlite3_vfs_register(&files.vfs, 1) != SQLITE_OK) throw std::bad_alloc();
}

FaultVfs::~FaultVfs() {
    sqlite3_vfs_unregister(&files_->vfs);
    sqlite3_vfs_register(files_->real, 1);
}

void FaultVfs::fail(Kind kind, std::size_t first, std::size_t last) {
    files_->kind = kind;
    files_->calls = 0;
    files_->first = first;
    files_->last = last;
    files_->failed = false;
}

bool FaultVfs::heal() {
    files_->first = 0;
    return files_->failed;
}

} // namespace loom::tests

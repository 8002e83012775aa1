using System.Globalization;
using System.IO.MemoryMappedFiles;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Pages;
using NativeMm.Platform;

namespace NativeMm.Lab.Experiments.Paging;

/// <summary>A <see cref="MemoryMappedFile"/> on disk, of which the system keeps in memory what the process's control group has room for.</summary>
internal sealed unsafe class MappedPages : PagedUnderTest
{
    /// <summary>What the process may take for itself beyond the pages: the group begins empty, and page tables and garbage come.</summary>
    private const long OverheadBytes = 8 << 20;

    private const int AdviseRandom = 1;

    private readonly MemoryGroup _group;
    private readonly FileStream _file;
    private readonly MemoryMappedFile _mapping;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _bytes;
    private long _faultsBefore;

    /// <summary>Makes one of zeros.</summary>
    /// <param name="pages">Its length.</param>
    /// <param name="budget">Bytes that may be resident.</param>
    /// <param name="isRandom">Whether the pages are used in no order. A program that knows tells the system, which otherwise reads 32 pages for each.</param>
    public MappedPages(int pages, long budget, bool isRandom)
    {
        long length = (long)pages * PageSet.PageBytes;
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        _file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
        _file.SetLength(length);
        _mapping = MemoryMappedFile.CreateFromFile(_file, null, length, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        _view = _mapping.CreateViewAccessor();
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _bytes);
        if (isRandom && LibC.Advise((nuint)_bytes, (nuint)length, AdviseRandom) != 0)
        {
            throw new IOException("The system refuses MADV_RANDOM.");
        }

        _group = MemoryGroup.Enter(budget + OverheadBytes);
    }

    /// <summary>Why there can be none here, or null.</summary>
    public static string? Obstacle => new DriveInfo(Path.GetTempPath()).DriveFormat is "tmpfs" or "ramfs"
        ? "the folder for temporary files is in memory, and a file there cannot leave it; TMPDIR names another"
        : MemoryGroup.Obstacle;

    /// <inheritdoc/>
    public override void Read(int page, Span<byte> destination) => PageOf(page).CopyTo(destination);

    /// <inheritdoc/>
    public override void Write(int page, ReadOnlySpan<byte> source) => source.CopyTo(PageOf(page));

    /// <inheritdoc/>
    public override void BeginCounting() => _faultsBefore = CountFaults();

    /// <inheritdoc/>
    public override void AddTo(Measurement measurement, long operations) => AddHitRate(measurement, CountFaults() - _faultsBefore, operations);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _mapping.Dispose();
        _file.Dispose();
        _group.Dispose();
    }

    /// <summary>Faults of the process for which the system had to read: the tenth field behind the name in parentheses.</summary>
    private static long CountFaults()
    {
        string text = File.ReadAllText("/proc/self/stat");
        return long.Parse(text[(text.LastIndexOf(')') + 2)..].Split(' ')[9], CultureInfo.InvariantCulture);
    }

    private Span<byte> PageOf(int page) => new(_bytes + ((nint)page * PageSet.PageBytes), PageSet.PageBytes);
}

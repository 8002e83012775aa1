using System.Text;

namespace NativeMm.Platform;

/// <summary>A file without a name, direct where the file system can.</summary>
internal sealed unsafe class LinuxBackingFile : IBackingFile
{
    private const int PathBytesMax = 4095;
    private const int OwnerOnly = 0x180;

    private readonly int _file;

    private LinuxBackingFile(int file, bool direct)
    {
        _file = file;
        IsDirect = direct;
    }

    /// <summary>Closes a forgotten file.</summary>
    ~LinuxBackingFile() => _ = LibC.Close(_file);

    /// <inheritdoc/>
    public bool IsDirect { get; }

    /// <inheritdoc cref="BackingFile.Create"/>
    public static PlatformResult Create(string path, out IBackingFile? file)
    {
        file = null;
        byte* name = stackalloc byte[PathBytesMax + 1];
        if (path.Contains('\0', StringComparison.Ordinal) || !Encoding.UTF8.TryGetBytes(path, new Span<byte>(name, PathBytesMax), out int length))
        {
            return new PlatformResult(ErrorNumber.Invalid);
        }

        name[length] = 0;
        const int Flags = LibC.OpenReadWrite | LibC.OpenCreate | LibC.OpenExclusive | LibC.OpenCloseOnExec;
        int opened = Open(name, Flags, out PlatformResult result);
        if (opened < 0)
        {
            return result;
        }

        // A second descriptor, because a file system that cannot do direct transfers makes the file before it refuses.
        int direct = Open(name, LibC.OpenReadWrite | LibC.OpenCloseOnExec | LibC.OpenDirect, out _);
        if (direct >= 0)
        {
            _ = LibC.Close(opened);
        }

        _ = LibC.Unlink(name);
        file = new LinuxBackingFile(direct >= 0 ? direct : opened, direct >= 0);
        return PlatformResult.Success;
    }

    /// <inheritdoc/>
    public PlatformResult Write(ReadOnlySpan<nint> pages, long offset, out long written)
    {
        written = 0;

        // The kernel would not only refuse: it kills the process with SIGXFSZ.
        if ((ulong)offset + ((ulong)pages.Length * IBackingFile.PageBytes) > ResourceLimits.FileBytes)
        {
            return new PlatformResult(ErrorNumber.FileTooLarge);
        }

        IoVector* pieces = stackalloc IoVector[pages.Length];
        for (int i = 0; i < pages.Length; i++)
        {
            pieces[i] = new IoVector { Address = pages[i], Bytes = IBackingFile.PageBytes };
        }

        nint result;
        do
        {
            result = LibC.WriteAllAt(_file, pieces, pages.Length, (nint)offset);
        }
        while (result < 0 && LibC.LastError().Errno == ErrorNumber.Interrupted);

        written = Math.Max(0, result);
        return result < 0 ? LibC.LastError() : PlatformResult.Success;
    }

    /// <inheritdoc/>
    public PlatformResult Read(nint destination, long offset, out int read)
    {
        nint result;
        do
        {
            result = LibC.ReadAt(_file, (void*)destination, IBackingFile.PageBytes, (nint)offset);
        }
        while (result < 0 && LibC.LastError().Errno == ErrorNumber.Interrupted);

        read = (int)Math.Max(0, result);
        return result < 0 ? LibC.LastError() : PlatformResult.Success;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _ = LibC.Close(_file);
    }

    private static int Open(byte* name, int flags, out PlatformResult result)
    {
        int opened;
        do
        {
            opened = LibC.OpenNew(name, flags, OwnerOnly);
            result = opened < 0 ? LibC.LastError() : PlatformResult.Success;
        }
        while (result.Errno == ErrorNumber.Interrupted);

        return opened;
    }
}

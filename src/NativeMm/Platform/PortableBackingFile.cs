using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;

namespace NativeMm.Platform;

/// <summary>A file through the framework, for systems other than Linux: page by page, through the system's cache, removed when it is closed.</summary>
internal sealed unsafe class PortableBackingFile : IBackingFile
{
    private readonly SafeFileHandle _file;

    private PortableBackingFile(SafeFileHandle file)
    {
        _file = file;
    }

    /// <inheritdoc/>
    public bool IsDirect => false;

    /// <inheritdoc cref="BackingFile.Create"/>
    public static PlatformResult Create(string path, out IBackingFile? file)
    {
        SafeFileHandle? handle = null;
        PlatformResult result = Try(() => handle = File.OpenHandle(
            path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose | FileOptions.RandomAccess));
        file = handle is null ? null : new PortableBackingFile(handle);
        return result;
    }

    /// <inheritdoc/>
    public PlatformResult Write(ReadOnlySpan<nint> pages, long offset, out long written)
    {
        written = 0;
        foreach (nint page in pages)
        {
            long at = offset + written;
            PlatformResult result = Try(() => RandomAccess.Write(_file, new ReadOnlySpan<byte>((void*)page, IBackingFile.PageBytes), at));
            if (!result.Succeeded)
            {
                return result;
            }

            written += IBackingFile.PageBytes;
        }

        return PlatformResult.Success;
    }

    /// <inheritdoc/>
    public PlatformResult Read(nint destination, long offset, out int read)
    {
        int count = 0;
        PlatformResult result = Try(() => count = RandomAccess.Read(_file, new Span<byte>((void*)destination, IBackingFile.PageBytes), offset));
        read = count;
        return result;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Calls of the platform never throw.")]
    private static PlatformResult Try(Action call)
    {
        try
        {
            call();
            return PlatformResult.Success;
        }
        catch (Exception problem)
        {
            const int DiskFull = unchecked((int)0x80070070);
            return new PlatformResult(problem.HResult == DiskFull ? ErrorNumber.NoSpace : ErrorNumber.DeviceFailed);
        }
    }
}

using System.Text;

namespace NativeMm.Platform;

internal sealed unsafe partial class LinuxPlatform
{
    private const int FileNameBytesMax = 249;

    /// <inheritdoc/>
    public PlatformResult CreateMemoryFile(string name, nuint bytes, out int file)
    {
        file = -1;
        byte* buffer = stackalloc byte[FileNameBytesMax + 1];
        if (!Encoding.UTF8.TryGetBytes(name, new Span<byte>(buffer, FileNameBytesMax), out int length))
        {
            return new PlatformResult(ErrorNumber.Invalid);
        }

        // The kernel would not only refuse: it kills the process with SIGXFSZ.
        if (RoundUp(bytes) > ResourceLimits.FileBytes)
        {
            return new PlatformResult(ErrorNumber.FileTooLarge);
        }

        buffer[length] = 0;
        int created = (int)LibC.SystemCall(SystemCallNumbers.MemoryFileCreate, (nint)buffer, LibC.MemoryFileCloseOnExec, 0, 0, 0);
        if (created < 0)
        {
            return LibC.LastError();
        }

        PlatformResult result = Truncate(created, RoundUp(bytes));
        if (!result.Succeeded)
        {
            _ = CloseFile(created);
            return result;
        }

        file = created;
        return result;
    }

    /// <inheritdoc/>
    public PlatformResult CloseFile(int file)
    {
        PlatformResult result = LibC.ResultOf(LibC.Close(file));

        // Linux has closed the file when it reports an interruption; a second attempt could hit a stranger's file.
        return result.Errno == ErrorNumber.Interrupted ? PlatformResult.Success : result;
    }

    /// <inheritdoc/>
    public PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, out nuint address) =>
        MapFile(file, offset, bytes, at, LibC.ProtReadWrite, out address);

    /// <inheritdoc/>
    public PlatformResult MapFileClosed(int file, nuint offset, nuint bytes, nuint at, out nuint address) =>
        MapFile(file, offset, bytes, at, LibC.ProtNone, out address);

    private static PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, int protection, out nuint address)
    {
        int flags = LibC.MapShared | (at == 0 ? 0 : LibC.MapFixed);
        nint mapped = LibC.Map(at, bytes, protection, flags, file, (nint)offset);
        address = mapped == LibC.MapFailed ? 0 : (nuint)mapped;
        return mapped == LibC.MapFailed ? LibC.LastError() : PlatformResult.Success;
    }

    /// <inheritdoc/>
    public PlatformResult Unmap(nuint address, nuint bytes) => LibC.ResultOf(LibC.Unmap(address, RoundUp(bytes)));

    /// <inheritdoc/>
    public PlatformResult PunchHole(int file, nuint offset, nuint bytes)
    {
        PlatformResult result;
        do
        {
            result = LibC.ResultOf(LibC.Allocate(file, LibC.FallocatePunchHole | LibC.FallocateKeepSize, (nint)offset, (nint)bytes));
        }
        while (result.Errno == ErrorNumber.Interrupted);

        return result;
    }

    private static PlatformResult Truncate(int file, nuint bytes)
    {
        PlatformResult result;
        do
        {
            result = LibC.ResultOf(LibC.Truncate(file, (nint)bytes));
        }
        while (result.Errno == ErrorNumber.Interrupted);

        return result;
    }
}

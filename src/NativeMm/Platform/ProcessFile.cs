using System.Buffers.Text;

namespace NativeMm.Platform;

/// <summary>Reads and writes small files of <c>/proc/self</c> without touching the managed heap, so that measuring memory does not change it.</summary>
internal static unsafe class ProcessFile
{
    private const int OpenModeRead = LibC.OpenReadOnly | LibC.OpenCloseOnExec;
    private const int OpenModeWrite = LibC.OpenWriteOnly | LibC.OpenCloseOnExec;

    /// <summary>Reads a file from its start, as far as the buffer goes.</summary>
    /// <param name="path">An absolute path that ends with a zero byte.</param>
    /// <param name="buffer">Where the text goes.</param>
    /// <param name="length">How many bytes were read.</param>
    public static PlatformResult Read(ReadOnlySpan<byte> path, Span<byte> buffer, out int length)
    {
        length = 0;
        PlatformResult result = Open(path, OpenModeRead, out int file);
        if (!result.Succeeded)
        {
            return result;
        }

        fixed (byte* bytes = buffer)
        {
            nint read;
            do
            {
                read = LibC.Read(file, bytes + length, (nuint)(buffer.Length - length));
                result = read < 0 ? LibC.LastError() : PlatformResult.Success;
                length += read > 0 ? (int)read : 0;
            }
            while (read > 0 || result.Errno == ErrorNumber.Interrupted);
        }

        _ = LibC.Close(file);
        return result;
    }

    /// <summary>Counts the lines of a file of any length; 0 when it cannot be read.</summary>
    /// <param name="path">An absolute path that ends with a zero byte.</param>
    public static int CountLines(ReadOnlySpan<byte> path)
    {
        const int PieceBytes = 4096;
        byte* piece = stackalloc byte[PieceBytes];
        if (!Open(path, OpenModeRead, out int file).Succeeded)
        {
            return 0;
        }

        int lines = 0;
        nint read;
        do
        {
            read = LibC.Read(file, piece, PieceBytes);
            lines += read > 0 ? new ReadOnlySpan<byte>(piece, (int)read).Count((byte)'\n') : 0;
        }
        while (read > 0 || (read < 0 && LibC.LastError().Errno == ErrorNumber.Interrupted));

        _ = LibC.Close(file);
        return read < 0 ? 0 : lines;
    }

    /// <summary>Finds the borders of the process's areas inside a range, as <see cref="IMemoryPlatform.FindBorders"/> says.</summary>
    public static int FindBorders(nuint address, nuint bytes, Span<nuint> borders)
    {
        const int PieceBytes = 4096;
        byte* piece = stackalloc byte[PieceBytes];
        if (!Open("/proc/self/maps\0"u8, OpenModeRead, out int file).Succeeded)
        {
            return 0;
        }

        var found = new AreaBorders(address, bytes, borders);
        nint read;
        do
        {
            read = LibC.Read(file, piece, PieceBytes);
            found.Feed(read > 0 ? new ReadOnlySpan<byte>(piece, (int)read) : default);
        }
        while (!found.IsDone && (read > 0 || (read < 0 && LibC.LastError().Errno == ErrorNumber.Interrupted)));

        _ = LibC.Close(file);
        return found.Count;
    }

    /// <summary>Writes a short text in one piece.</summary>
    public static PlatformResult Write(ReadOnlySpan<byte> path, ReadOnlySpan<byte> text)
    {
        PlatformResult result = Open(path, OpenModeWrite, out int file);
        if (!result.Succeeded)
        {
            return result;
        }

        fixed (byte* bytes = text)
        {
            result = LibC.Write(file, bytes, (nuint)text.Length) < 0 ? LibC.LastError() : PlatformResult.Success;
        }

        _ = LibC.Close(file);
        return result;
    }

    /// <summary>Finds a line such as <c>VmRSS:   1024 kB</c> and gives its value in bytes; 0 when there is none.</summary>
    /// <param name="text">The file.</param>
    /// <param name="key">The name of the line with its colon.</param>
    public static ulong FindKilobytes(ReadOnlySpan<byte> text, ReadOnlySpan<byte> key)
    {
        while (!text.IsEmpty)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
            if (line.StartsWith(key))
            {
                return Utf8Parser.TryParse(line[key.Length..].TrimStart(" \t"u8), out ulong kilobytes, out _) ? kilobytes << 10 : 0;
            }

            text = end < 0 ? default : text[(end + 1)..];
        }

        return 0;
    }

    private static PlatformResult Open(ReadOnlySpan<byte> path, int flags, out int file)
    {
        file = -1;
        if (!SystemPlatform.IsLinux)
        {
            return new PlatformResult(ErrorNumber.NotImplemented);
        }

        fixed (byte* name = path)
        {
            file = LibC.Open(name, flags);
        }

        return file < 0 ? LibC.LastError() : PlatformResult.Success;
    }
}

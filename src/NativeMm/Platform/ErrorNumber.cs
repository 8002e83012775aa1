using System.Globalization;

namespace NativeMm.Platform;

/// <summary>Names of the error numbers that memory calls return on Linux.</summary>
internal static class ErrorNumber
{
    /// <summary>Operation not permitted.</summary>
    public const int NotPermitted = 1;

    /// <summary>No such process or thread.</summary>
    public const int NoSuchProcess = 3;

    /// <summary>A signal came in between; the call can be repeated.</summary>
    public const int Interrupted = 4;

    /// <summary>The device failed.</summary>
    public const int DeviceFailed = 5;

    /// <summary>Not an open file.</summary>
    public const int BadFile = 9;

    /// <summary>Try again.</summary>
    public const int TryAgain = 11;

    /// <summary>Out of memory, or too many mappings.</summary>
    public const int OutOfMemory = 12;

    /// <summary>Invalid argument.</summary>
    public const int Invalid = 22;

    /// <summary>The process has as many files open as it may.</summary>
    public const int TooManyFiles = 24;

    /// <summary>The file would be larger than the process may make one.</summary>
    public const int FileTooLarge = 27;

    /// <summary>The disk is full.</summary>
    public const int NoSpace = 28;

    /// <summary>The system does not have this call.</summary>
    public const int NotImplemented = 38;

    /// <summary>A text such as <c>ENOMEM (12)</c>.</summary>
    public static string Describe(int errno)
    {
        string name = errno switch
        {
            NotPermitted => "EPERM",
            2 => "ENOENT",
            NoSuchProcess => "ESRCH",
            Interrupted => "EINTR",
            DeviceFailed => "EIO",
            BadFile => "EBADF",
            TryAgain => "EAGAIN",
            OutOfMemory => "ENOMEM",
            13 => "EACCES",
            14 => "EFAULT",
            16 => "EBUSY",
            17 => "EEXIST",
            Invalid => "EINVAL",
            23 => "ENFILE",
            TooManyFiles => "EMFILE",
            FileTooLarge => "EFBIG",
            NoSpace => "ENOSPC",
            30 => "EROFS",
            36 => "ENAMETOOLONG",
            NotImplemented => "ENOSYS",
            95 => "ENOTSUP",
            _ => "errno",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{name} ({errno})");
    }
}

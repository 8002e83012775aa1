using NativeMm.Primitives;

namespace NativeMm.Platform;

/// <summary>
/// Which processors the calling thread may run on. A managed thread is one thread of the system, so the setting holds as long as it lives; new
/// threads inherit it from whoever starts them. ENOSYS outside Linux.
/// </summary>
internal static unsafe class ThreadAffinity
{
    // 1024 processors is what the C library's own type holds; larger kernels refuse a mask that is too small.
    private const int WordsFirst = 1024 / 64;
    private const int WordsMax = 64 * WordsFirst;

    /// <summary>Reads the processors that the calling thread may run on.</summary>
    public static PlatformResult Get(out CoreSet cores)
    {
        cores = CoreSet.Empty;
        if (!SystemPlatform.IsLinux)
        {
            return new PlatformResult(ErrorNumber.NotImplemented);
        }

        PlatformResult result = default;
        for (int count = WordsFirst; count <= WordsMax; count *= 4)
        {
            ulong[] words = new ulong[count];
            fixed (ulong* mask = words)
            {
                result = LibC.ResultOf(LibC.GetAffinity(0, (nuint)count * sizeof(ulong), mask));
            }

            if (result.Errno != ErrorNumber.Invalid)
            {
                cores = CoreSet.FromWords(words);
                return result;
            }
        }

        return result;
    }

    /// <summary>Restricts the calling thread; it runs on one of these processors when the call returns.</summary>
    public static PlatformResult Set(CoreSet cores)
    {
        if (!SystemPlatform.IsLinux)
        {
            return new PlatformResult(ErrorNumber.NotImplemented);
        }

        fixed (ulong* mask = cores.Words)
        {
            return LibC.ResultOf(LibC.SetAffinity(0, (nuint)cores.Words.Length * sizeof(ulong), mask));
        }
    }

    /// <summary>Binds the calling thread to one processor.</summary>
    /// <param name="core">The processor.</param>
    /// <param name="previous">What to hand to <see cref="Set"/> to undo it.</param>
    public static PlatformResult Pin(CoreId core, out CoreSet previous)
    {
        PlatformResult result = Get(out previous);
        return result.Succeeded ? Set(CoreSet.Of(core)) : result;
    }
}

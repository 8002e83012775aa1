using NativeMm.Platform;

namespace NativeMm.Lab.Baselines;

/// <summary>
/// Contiguous pages straight from the operating system: every allocation is a mapping of its own, every free removes it. What a program does
/// that has nothing better. Thread-safe.
/// </summary>
internal sealed class MmapAllocator : IDisposable
{
    private readonly IMemoryPlatform _platform = SystemPlatform.Current;
    private int[] _files = [];

    /// <summary>Maps pages that read as zero; 0 when the system refuses.</summary>
    /// <param name="bytes">A multiple of a page.</param>
    /// <param name="alignment">A power of two; below a page it means a page.</param>
    public nuint Alloc(nuint bytes, nuint alignment) =>
        _platform.Reserve(bytes, nuint.Max(alignment, _platform.PageBytes), out nuint address).Succeeded ? address : 0;

    /// <summary>Removes a mapping.</summary>
    public void Free(nuint address, nuint bytes) => MustSucceed(_platform.Release(address, bytes), "remove a mapping");

    /// <summary>Makes a memory file for each thread.</summary>
    public void PrepareFiles(int threads, nuint bytes)
    {
        _files = new int[threads];
        for (int i = 0; i < threads; i++)
        {
            MustSucceed(_platform.CreateMemoryFile("nativemm-lab", bytes, out _files[i]), "make a memory file");
        }
    }

    /// <summary>Maps a thread's file; 0 when the system refuses.</summary>
    public nuint MapFile(int thread, nuint bytes) => _platform.MapFile(_files[thread], 0, bytes, 0, out nuint address).Succeeded ? address : 0;

    /// <summary>Removes a mapping of a file.</summary>
    public void UnmapFile(nuint address, nuint bytes) => MustSucceed(_platform.Unmap(address, bytes), "remove a mapping");

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (int file in _files)
        {
            MustSucceed(_platform.CloseFile(file), "close a memory file");
        }

        _files = [];
    }

    private static void MustSucceed(PlatformResult result, string what)
    {
        if (!result.Succeeded)
        {
            throw new InvalidOperationException($"The system refuses to {what}: {result}.");
        }
    }
}

// Purpose      words that the system clears when a thread ends, on that thread, after its last managed instruction and without running managed
//              code: the runtime tells nobody when a thread ends, and managed code in an end hook would attach the dying thread anew.
// States       for each thread and index: nothing, or the address of a word. The C library keeps it (a thread-specific value).
// Transitions  nothing → address → another address: the thread itself, in TryWatch. address → nothing: the C library, as the thread ends; it takes
//              the address out and then calls the key's destructor with it.
// Ownership    the destructor is sigemptyset of the C library. A set of signals is at least one word, and emptying it writes zeros. That it
//              writes one word and nothing else is looked at once, before the first use; where it writes more, there is no ThreadEndWords.
// Ordering     the system reports a thread as gone only after its destructors ran, so whoever has seen that sees the zeros as well.
// Progress     destructors run in up to four rounds, as long as there are values. A value that is set within the last round, by code that runs
//              in another library's destructor, is never cleared.
// Source       POSIX pthread_key_create; sigemptyset of glibc since 2.26 and of musl writes one word on 64-bit systems.

using System.Runtime.InteropServices;

namespace NativeMm.Platform;

/// <summary>Words that are set to zero when the thread that named them ends. Thread-safe.</summary>
internal sealed unsafe class ThreadEndWords : IDisposable
{
    /// <summary>Words that one thread can have cleared.</summary>
    public const int WordsMax = 16;

    private readonly uint[] _keys;

    private ThreadEndWords(uint[] keys) => _keys = keys;

    /// <summary>Takes the system's keys for it.</summary>
    /// <returns>Null where the system has no such thing, behaves differently, or has no keys left.</returns>
    public static ThreadEndWords? TryCreate()
    {
        if (!SystemPlatform.IsLinux || sizeof(nuint) != sizeof(ulong))
        {
            return null;
        }

        try
        {
            return NativeFunctions.Load("libc.so.6", "libc.so", "libc")?.TryFind("sigemptyset", out nint clear) == true && ClearsOneWord(clear)
                ? TakeKeys(clear)
                : null;
        }
        catch (EntryPointNotFoundException)
        {
            // Before glibc 2.34 the calls lie in another library.
            return null;
        }
    }

    /// <summary>Names a word that is to be zero once the calling thread has ended. What the index named before is forgotten.</summary>
    /// <param name="index">0 to <see cref="WordsMax"/> − 1.</param>
    /// <param name="word">The word, which must stay where it is for ever; null for none.</param>
    /// <returns>Whether the system will do it.</returns>
    public bool TryWatch(int index, nuint* word) => LibC.SetSpecific(_keys[index], (nint)word) == 0;

    /// <summary>Gives the keys back. Words that living threads have named stay as they are; a thread that is ending at this moment may still clear its own.</summary>
    public void Dispose()
    {
        foreach (uint key in _keys)
        {
            _ = LibC.DeleteKey(key);
        }
    }

    private static bool ClearsOneWord(nint clear)
    {
        const int Words = 64;
        ulong* probe = stackalloc ulong[Words];
        new Span<ulong>(probe, Words).Fill(ulong.MaxValue);
        ((delegate* unmanaged<ulong*, int>)clear)(probe);
        return probe[0] == 0 && !new Span<ulong>(probe + 1, Words - 1).ContainsAnyExcept(ulong.MaxValue);
    }

    private static ThreadEndWords? TakeKeys(nint clear)
    {
        uint[] keys = new uint[WordsMax];
        for (int i = 0; i < keys.Length; i++)
        {
            if (LibC.CreateKey(out keys[i], clear) != 0)
            {
                foreach (uint key in keys.AsSpan(0, i))
                {
                    _ = LibC.DeleteKey(key);
                }

                return null;
            }
        }

        return new ThreadEndWords(keys);
    }
}

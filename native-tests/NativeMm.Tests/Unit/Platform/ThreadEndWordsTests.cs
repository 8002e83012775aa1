using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Platform;

public sealed unsafe class ThreadEndWordsTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    // Never freed: a thread of this class could still be on its way out.
    private readonly nuint* _words = (nuint*)System.Runtime.InteropServices.NativeMemory.AllocZeroed(ThreadEndWords.WordsMax, (nuint)sizeof(nuint));
    private readonly ThreadEndWords? _end = ThreadEndWords.TryCreate();

    public void Dispose() => _end?.Dispose();

    [LinuxFact]
    public void Every_named_word_is_zero_once_the_thread_has_ended()
    {
        OnThread(() =>
        {
            for (int i = 0; i < ThreadEndWords.WordsMax; i++)
            {
                _words[i] = (nuint)i + 1;
                Assert.True(_end!.TryWatch(i, _words + i));
            }
        });

        for (int i = 0; i < ThreadEndWords.WordsMax; i++)
        {
            int at = i;
            Assert.True(SpinWait.SpinUntil(() => Atomic.LoadAcquire(in _words[at]) == 0, s_patience), $"Word {i} is {_words[i]}.");
        }
    }

    [LinuxFact]
    public void Words_of_a_living_thread_and_words_that_are_no_longer_named_stay()
    {
        _words[0] = 7;
        _words[1] = 8;
        _words[2] = 9;
        Assert.True(_end!.TryWatch(1, _words + 1));
        OnThread(() =>
        {
            Assert.True(_end.TryWatch(0, _words));
            Assert.True(_end.TryWatch(0, _words + 2));
        });
        Assert.True(SpinWait.SpinUntil(() => Atomic.LoadAcquire(in _words[2]) == 0, s_patience));
        Assert.Equal(7u, _words[0]);
        Assert.Equal(8u, _words[1]);
        Assert.True(_end.TryWatch(1, null));
    }

    private static void OnThread(Action action)
    {
        Exception? problem = null;
        var thread = new Thread(() => problem = Record.Exception(action));
        thread.Start();
        Assert.True(thread.Join(s_patience));
        Assert.Null(problem);
    }
}

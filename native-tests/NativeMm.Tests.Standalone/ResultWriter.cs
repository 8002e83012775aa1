using Xunit.Abstractions;

namespace NativeMm.Tests.Standalone;

/// <summary>Counts results, and writes down what failed and how far the run is.</summary>
/// <param name="total">Test cases that will run.</param>
internal sealed class ResultWriter(int total) : Xunit.LongLivedMarshalByRefObject, IMessageSink
{
    private static readonly TimeSpan s_between = TimeSpan.FromSeconds(30);

    private readonly TaskCompletionSource _done = new();
    private readonly System.Diagnostics.Stopwatch _since = System.Diagnostics.Stopwatch.StartNew();
    private TimeSpan _nextLine = s_between;

    /// <summary>Tests that passed, failed, were skipped.</summary>
    public (int Passed, int Failed, int Skipped) Counts { get; private set; }

    /// <summary>Waits for the end of the run.</summary>
    public void Wait() => _done.Task.Wait();

    /// <inheritdoc/>
    public bool OnMessage(IMessageSinkMessage message)
    {
        (int passed, int failed, int skipped) = Counts;
        switch (message)
        {
            case ITestPassed:
                passed++;
                break;
            case ITestSkipped:
                skipped++;
                break;
            case ITestFailed failure:
                failed++;
                Console.WriteLine($"FAILED {failure.Test.DisplayName}\n  {string.Join("\n  ", failure.Messages)}\n{string.Join('\n', failure.StackTraces)}");
                break;
            case IErrorMessage error:
                failed++;
                Console.WriteLine($"ERROR {string.Join(' ', error.Messages)}\n{string.Join('\n', error.StackTraces)}");
                break;
            case ITestAssemblyFinished:
                _done.TrySetResult();
                break;
        }

        Counts = (passed, failed, skipped);
        if (_since.Elapsed > _nextLine)
        {
            _nextLine = _since.Elapsed + s_between;
            Console.WriteLine($"{_since.Elapsed:mm\\:ss}  {passed + failed + skipped} results of {total} cases, {failed} failed");
        }

        return true;
    }
}

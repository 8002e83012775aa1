using Xunit.Abstractions;
using Xunit.Sdk;

namespace NativeMm.Tests.Standalone;

/// <summary>Keeps the test cases that discovery finds.</summary>
internal sealed class CaseCollector : Xunit.LongLivedMarshalByRefObject, IMessageSink
{
    private readonly TaskCompletionSource _done = new();

    /// <summary>The cases found so far.</summary>
    public List<ITestCase> Cases { get; } = [];

    /// <summary>Waits until all are found.</summary>
    public void Wait() => _done.Task.Wait();

    /// <inheritdoc/>
    public bool OnMessage(IMessageSinkMessage message)
    {
        switch (message)
        {
            case ITestCaseDiscoveryMessage found:
                Cases.Add(found.TestCase);
                break;
            case IDiscoveryCompleteMessage:
                _done.TrySetResult();
                break;
        }

        return true;
    }
}

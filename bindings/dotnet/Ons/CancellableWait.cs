using System.Threading;
using System.Threading.Tasks;

namespace Ons
{
    /// <summary>Waiting that can end before the thing waited for.</summary>
    internal static class CancellableWait
    {
        public static Task<T> On<T>(Task<T> task, CancellationToken cancellationToken)
        {
            // A failure nobody waits for any more is not an unobserved one.
            _ = task.ContinueWith(
                static failed => _ = failed.Exception,
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
#if NET
            return task.WaitAsync(cancellationToken);
#else
            return WaitAsync(task, cancellationToken);
#endif
        }

#if !NET
        private static async Task<T> WaitAsync<T>(Task<T> task, CancellationToken cancellationToken)
        {
            var cancelled = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
            using (cancellationToken.Register(() => cancelled.TrySetCanceled(cancellationToken)))
            {
                Task<T> first = await Task.WhenAny(task, cancelled.Task).ConfigureAwait(false);
                return await first.ConfigureAwait(false);
            }
        }
#endif
    }
}

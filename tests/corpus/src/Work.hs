import Control.Concurrent
import qualified Data.Map.Strict as M
import Data.List (foldl')
main :: IO ()
main = do
  let table = foldl' (\m i -> M.insertWith (+) (i * 7919 `mod` 10007) i m) M.empty [1 .. 200000 :: Int]
  print (M.size table, M.foldl' (+) 0 table)
  boxes <- mapM (\k -> do { b <- newEmptyMVar; _ <- forkIO (putMVar b $! sum [1 .. 200000 + k]); return b }) [1 .. 8 :: Int]
  mapM takeMVar boxes >>= print
